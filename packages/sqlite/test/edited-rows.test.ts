/** Rows that somebody has edited by hand: the run that they belong to says so, and its neighbours go on. */
import { after, isWorkflowError, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { sqlite } from '../src/index.ts'
import { openHandle, temporaryFolder } from './database-file.ts'

const letters = workflow('letters', {
  object: unchecked<{ text: string }>(),
  graph: { start: { step: ['waiting'] }, waiting: { timeout: ['end'] }, end: {} },
})
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const settings = { slots: 1, logger: silent } as const
const definition = letters.addStep('start', async () => 'waiting').addTimeout('waiting', after('50ms'), async () => 'end')

/** A file with one run, at the start of its graph, that nobody works for. */
async function withRun(file: string): Promise<string> {
  await using database = sqlite({ file })
  const client = letters.client({ ...database, ...settings })
  const runId = await client.trigger('bad', { initialValue: { text: 'a' } })
  await client.close()
  return runId
}

function edit(file: string, sql: string): void {
  const handle = openHandle(file)
  expect(handle.prepare(sql).run().changes).toBeGreaterThan(0)
  handle.close()
}

test.each([
  ['an unknown run state', "UPDATE workflow_record SET state = 'Bogus'"],
  ['an impossible version', 'UPDATE workflow_record SET version = 0'],
  ['an entry from the future', 'UPDATE workflow_record SET entered_version = 9'],
  ['a codec that makes no sense', "UPDATE workflow_record SET object_codec = 'nonsense'"],
  ['metadata that is no JSON', "UPDATE workflow_record SET metadata = '{'"],
])('a record with %s is corrupt for whoever reads it, and blocks nobody', async (_, sql) => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  const runId = await withRun(file)
  edit(file, sql)
  await using database = sqlite({ file })
  await using app = definition.build({ ...database, ...settings })
  await app.run()
  const neighbour = await app.trigger('good', { initialValue: { text: 'b' } })
  expect((await app.awaitCompletion(neighbour, { timeout: '4s' })).status).toBe('end')
  for (const call of [app.lookup(runId), app.cancel(runId, { reason: 'r', actor: 'a' })]) {
    await expect(call).rejects.toSatisfy((error) => isWorkflowError(error, 'StoreCorrupt') && error.message.includes(runId))
  }
})

test.each(['garbage', 'null', '[]', '{}'])('an event that is %s is left out, and the ones beside it are handled', async (event) => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  await withRun(file)
  edit(file, `UPDATE workflow_event SET event = '${event}'`)
  const neighbours: string[] = []
  {
    await using database = sqlite({ file })
    const client = letters.client({ ...database, ...settings })
    // In the same batch as the bad one, so that they are lost if it takes its batch with it.
    for (let i = 0; i < 3; i++) neighbours.push(await client.trigger(`good ${i}`, { initialValue: { text: 'b' } }))
    await client.close()
  }
  await using database = sqlite({ file })
  await using app = definition.build({ ...database, ...settings })
  await app.run()
  for (const runId of neighbours) expect((await app.awaitCompletion(runId, { timeout: '4s' })).status).toBe('end')
})

test('a due timer whose data makes no sense does not keep the others from firing', async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  {
    await using database = sqlite({ file })
    await using app = definition.build({ ...database, ...settings })
    await app.run()
    await app.schedule('daily', '@daily', { initialValue: { text: 'c' } })
  }
  edit(file, "UPDATE workflow_timer SET at = 1, data_codec = 'nonsense' WHERE kind = 'schedule'")
  await using database = sqlite({ file })
  await using app = definition.build({ ...database, ...settings })
  await app.run()
  const runId = await app.trigger('good', { initialValue: { text: 'b' } })
  expect((await app.awaitCompletion(runId, { timeout: '4s' })).status).toBe('end')
})

test('a schema version that is no number is corrupt, not a reason to create the tables again', async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  const runId = await withRun(file)
  edit(file, "UPDATE workflow_meta SET value = 'abc' WHERE key = 'schema'")
  await using database = sqlite({ file })
  await expect(database.recordStore.lookup(runId)).rejects.toSatisfy(
    (error) => isWorkflowError(error, 'StoreCorrupt') && error.message.includes(file),
  )
})
