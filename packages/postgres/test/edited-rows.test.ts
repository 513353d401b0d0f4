/** Rows that somebody has edited by hand: the run that they belong to says so, and its neighbours go on. */
import { after, isWorkflowError, unchecked, workflow } from '@workflow/core'
import { describe, expect, test } from 'vitest'
import { freshSchema, newest, type TestSchema } from './database.ts'
import { claimsOf, layout, topic, unitOf, workflowName } from '../../testing/test/database/make-unit.ts'

const letters = workflow('letters', {
  object: unchecked<{ text: string }>(),
  graph: { start: { step: ['waiting'] }, waiting: { timeout: ['end'] }, end: {} },
})
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const settings = { slots: 1, logger: silent } as const
const definition = letters.addStep('start', async () => 'waiting').addTimeout('waiting', after('50ms'), async () => 'end')

/** Makes a run, at the start of its graph, that nobody works for. */
async function withRun(place: TestSchema): Promise<string> {
  const database = place.open()
  const client = letters.client({ ...database, ...settings })
  const runId = await client.trigger('bad', { initialValue: { text: 'a' } })
  await client.close()
  await database.close()
  return runId
}

async function edit(place: TestSchema, sql: string): Promise<void> {
  expect((await place.sql(`${sql} RETURNING 1`)).length).toBeGreaterThan(0)
}

describe.skipIf(newest === undefined)('edited by hand', { timeout: 30_000 }, () => {
  test.each([
    ['an unknown run state', "UPDATE {record} SET state = 'Bogus'"],
    ['an impossible version', 'UPDATE {record} SET version = 0'],
    ['an entry from the future', 'UPDATE {record} SET entered_version = 9'],
    ['a codec that makes no sense', "UPDATE {record} SET object_codec = 'nonsense'"],
    ['notes that are none', `UPDATE {record} SET attempts = '{"a": null}'`],
  ])('a record with %s is corrupt for whoever reads it, and blocks nobody', async (_, sql) => {
    await using place = freshSchema()
    const runId = await withRun(place)
    await edit(place, sql)
    await using app = definition.build({ ...place.open(), ...settings })
    await app.run()
    const neighbour = await app.trigger('good', { initialValue: { text: 'b' } })
    expect((await app.awaitCompletion(neighbour, { timeout: '15s' })).status).toBe('end')
    for (const call of [app.lookup(runId), app.cancel(runId, { reason: 'r', actor: 'a' })]) {
      await expect(call).rejects.toSatisfy((error) => isWorkflowError(error, 'StoreCorrupt') && error.message.includes(runId))
    }
  })

  test.each([
    ['an event of no version', 'UPDATE {event} SET version = 0'],
    ['an event of nobody', "UPDATE {event} SET run_id = ''"],
    ['an event whose shape is gone', 'UPDATE {event} SET shape = 4711'],
  ])('%s is left out, and the ones beside it are handled', async (_, sql) => {
    await using place = freshSchema()
    await withRun(place)
    await edit(place, sql)
    const neighbours: string[] = []
    const database = place.open()
    const client = letters.client({ ...database, ...settings })
    for (let i = 0; i < 3; i++) neighbours.push(await client.trigger(`good ${i}`, { initialValue: { text: 'b' } }))
    await client.close()
    await database.close()
    await using app = definition.build({ ...place.open(), ...settings })
    await app.run()
    for (const runId of neighbours) expect((await app.awaitCompletion(runId, { timeout: '15s' })).status).toBe('end')
  })

  test('a shape whose topics are no list belongs to nobody, and other shapes are read', async () => {
    await using place = freshSchema()
    await withRun(place)
    await edit(place, "UPDATE {shape} SET topics = 'garbage'")
    const { eventStreamer, recordStore } = place.open()
    await eventStreamer.ensure(layout)
    await recordStore.commit(unitOf('fine', 1))
    await using receiver = await eventStreamer.newReceiver({
      ...{ durable: true, workflowName, name: 'steps', topics: [topic], from: 'earliest' },
      claims: claimsOf(1n),
    })
    const deliveries = await receiver.receive({ max: 10, signal: AbortSignal.timeout(10_000) })
    expect(deliveries.map(({ event }) => event.runId)).toEqual(['fine'])
  })

  test('a due timer whose data makes no sense does not keep the others from firing', async () => {
    await using place = freshSchema()
    const first = place.open()
    {
      await using app = definition.build({ ...first, ...settings })
      await app.run()
      await app.schedule('daily', '@daily', { initialValue: { text: 'c' } })
    }
    await edit(place, "UPDATE {timer} SET at = 1, data_codec = 'nonsense' WHERE kind = 'schedule'")
    await using app = definition.build({ ...place.open(), ...settings })
    await app.run()
    const runId = await app.trigger('good', { initialValue: { text: 'b' } })
    expect((await app.awaitCompletion(runId, { timeout: '15s' })).status).toBe('end')
  })

  test('one unreadable row hides neither the others of a page nor the pages after it', async () => {
    await using place = freshSchema()
    const { recordStore } = place.open()
    for (let n = 0; n < 6; n++) await recordStore.commit(unitOf(`run-${n}`, 1))
    await edit(place, "UPDATE {record} SET state = 'Bogus' WHERE run_id = 'run-2'")
    const first = await recordStore.list({}, { limit: 3 })
    const second = await recordStore.list({}, { limit: 3, ...(first.next === undefined ? {} : { after: first.next }) })
    expect([...first.items, ...second.items].map(({ runId }) => runId)).toEqual(['run-0', 'run-1', 'run-3', 'run-4', 'run-5'])
    await expect(recordStore.lookup('run-2')).rejects.toMatchObject({ code: 'StoreCorrupt' })
  })

  test('a unit that was refused leaves no trace, and is refused again', async () => {
    await using place = freshSchema()
    const { recordStore } = place.open()
    await recordStore.commit(unitOf('run', 1))
    const body = { bytes: new Uint8Array(1), codec: 'json', schema: 1 }
    for (const [runId, ifVersion] of [
      ['run', 7],
      ['nobody', undefined],
    ] as const) {
      const item = { runId, stream: 's', id: 'item', body, ifUnfinished: true, ...(ifVersion === undefined ? {} : { ifVersion }) }
      const unit = { id: `u of ${runId}`, append: [item] }
      for (let n = 0; n < 2; n++) expect(await recordStore.commit(unit)).toMatchObject({ ok: false })
    }
    expect(await place.sql('SELECT count(*)::int FROM {unit}')).toEqual([[0]])
  })
})
