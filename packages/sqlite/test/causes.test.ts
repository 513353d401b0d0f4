/** A file that cannot be written: whoever calls hears why. */
import { isWorkflowError, unchecked, workflow } from '@workflow/core'
import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { sqlite } from '../src/index.ts'
import { openHandle, temporaryFolder } from './database-file.ts'

const letters = workflow('letters', { object: unchecked<{ text: string }>(), graph: { start: { callback: ['end'] }, end: {} } })
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const settings = { slots: 1, logger: silent, storeTimeout: '700ms' } as const

async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'no error'
  } catch (error) {
    if (!isWorkflowError(error)) return `not ours: ${String(error)}`
    const causes: string[] = []
    for (let at: unknown = error; at instanceof Error; at = at.cause) causes.push(at.message)
    return `${error.code}: ${causes.join(' <- ')}`
  }
}

test.each(['trigger', 'callback', 'cancel'] as const)('a %s on a deleted file names the file and that it was deleted', async (call) => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  await using database = sqlite({ file })
  const client = letters.client({ ...database, ...settings })
  const runId = await client.trigger('a', { initialValue: { text: 'a' } })
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
  const said = await outcome(
    call === 'trigger'
      ? client.trigger('b', { initialValue: { text: 'b' } })
      : call === 'callback'
        ? client.callback({ runId }, 'start')
        : client.cancel(runId, { reason: 'r', actor: 'a' }),
  )
  expect(said).toContain(file)
  expect(said).toContain('deleted')
})

test('a trigger on a full disk says that the disk is full', async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  const handle = openHandle(file)
  await using database = sqlite({ database: handle })
  const client = letters.client({ ...database, ...settings })
  await client.trigger('a', { initialValue: { text: 'a' } })
  const pages = (handle as unknown as { pragma: (text: string, options: object) => number }).pragma('page_count', { simple: true })
  handle.pragma(`max_page_count = ${pages}`)
  const said = await outcome(client.trigger('b', { initialValue: { text: 'b'.repeat(500_000) } }))
  expect(said).toContain('full')
  // Nothing is lost, and with room it goes on.
  handle.pragma('max_page_count = 1000000')
  expect(await outcome(client.trigger('c', { initialValue: { text: 'c' } }))).toBe('no error')
})

test('a trigger on a file that another process keeps locked says that it is locked', async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  await using database = sqlite({ file, busyTimeout: '100ms' })
  const client = letters.client({ ...database, ...settings })
  await client.trigger('a', { initialValue: { text: 'a' } })
  const other = openHandle(file)
  other.exec('BEGIN IMMEDIATE')
  const said = await outcome(client.trigger('b', { initialValue: { text: 'b' } }))
  other.exec('ROLLBACK')
  other.close()
  expect(said).toContain('locked')
  expect(said).toContain(file)
})

test('a file that cannot be written at all says so at the first call', async () => {
  using folder = temporaryFolder()
  const file = folder.file('workflow.db')
  {
    await using database = sqlite({ file })
    await letters.client({ ...database, ...settings }).trigger('a', { initialValue: { text: 'a' } })
  }
  const handle = openHandle(file, true)
  await using database = sqlite({ database: handle })
  const client = letters.client({ ...database, ...settings })
  const said = await outcome(client.trigger('b', { initialValue: { text: 'b' } }))
  expect(said).toContain('read-only')
})
