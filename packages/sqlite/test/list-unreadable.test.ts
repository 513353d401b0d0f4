import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { unchecked, workflow } from '@workflow/core'
import { expect, onTestFinished, test } from 'vitest'
import { sqlite } from '../src/index.ts'

test('one unreadable row hides neither the others of a page nor the pages after it; looked up, it says what is wrong', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'workflow-list-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'runs.db')
  const db = sqlite({ file })
  onTestFinished(() => db.close())
  const client = workflow('listed', { object: unchecked<{ n: number }>(), graph: { a: { step: ['b'] }, b: {} } }).client(db)
  const runIds: string[] = []
  for (let n = 0; n < 6; n++) runIds.push(await client.trigger(`f${n}`, { initialValue: { n } }))
  const [, , third] = runIds
  const other = new DatabaseSync(file)
  other.prepare("UPDATE workflow_record SET state = 'Bogus' WHERE run_id = ?").run(third ?? '')
  other.close()
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await client.list({ order: 'oldest', limit: 3, ...(cursor === undefined ? {} : { cursor }) })
    seen.push(...page.items.map((run) => run.runId))
    cursor = page.cursor
  } while (cursor !== undefined)
  expect(seen).toEqual(runIds.filter((runId) => runId !== third))
  await expect(client.lookup(third ?? '')).rejects.toMatchObject({ code: 'StoreCorrupt' })
  await client.close()
})
