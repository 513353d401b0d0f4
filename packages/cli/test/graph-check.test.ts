/** `workflow graph check` on SQLite files that older code has written. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { configOf, leaveParcels, parcelsModule, unchanged } from './parcels.ts'
import { CommandLine, type Project, project } from './project.ts'

let runIds: ReadonlyMap<string, string>
let folder: Project
const commandLine = new CommandLine()
const id = (foreignId: string): string => runIds.get(foreignId) ?? ''

beforeAll(async () => {
  folder = project()
  runIds = await leaveParcels(folder.path('runs.db'))
}, 120_000)
afterAll(async () => {
  folder[Symbol.dispose]()
  await commandLine[Symbol.asyncDispose]()
})

/** The check of today's code against the runs. */
async function check(module: string, exported: 'parcels' | 'definition', ...args: readonly string[]) {
  using today = project({ 'parcels.ts': module, 'workflow.config.ts': configOf(exported, folder.path('runs.db')) })
  return await commandLine.run(today.path(''), ['graph', 'check', ...args])
}

const withoutPacked = parcelsModule(
  "{ made: { step: ['boxed'] }, boxed: { callback: ['done'] }, sent: { callback: ['done'] }, done: {} }",
  '',
)

describe('the check', { timeout: 120_000 }, () => {
  test('of unchanged code is content, and says how many runs it has compared', async () => {
    const { code, stdout, stderr } = await check(unchanged, 'definition')
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'parcels: compatible with its 4 unfinished runs\n', stderr: '' })
  })

  test('of a graph without a status lists its runs in a table and ends with 1', async () => {
    using today = project({ 'parcels.ts': withoutPacked, 'workflow.config.ts': configOf('parcels', folder.path('runs.db')) })
    // By the program itself; the other cases have a process in common.
    const { code, stdout, stderr } = await today.run('graph', 'check')
    const ids = ['a', 'b', 'c'].map(id).join(' ')
    expect(stdout.split('\n')).toEqual([
      'parcels: would strand some of its 4 unfinished runs',
      '  STATUS  RUNS  REASON       WHICH  RUN IDS',
      `  packed     3  status-gone         ${ids}`,
      expect.stringMatching(/^ {2}packed, status-gone: the graph has no 'packed'.*cancel them$/),
      '',
    ])
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  })

  test('gives scripts the same in JSON', async () => {
    const { code, stdout } = await check(withoutPacked, 'parcels', '--json', '--samples', '1')
    expect(JSON.parse(stdout)).toEqual({
      ok: false,
      unlisted: [],
      workflows: [
        {
          workflowName: 'parcels',
          ok: false,
          known: true,
          unfinished: 4,
          inspected: 1,
          complete: true,
          stranded: [{ status: 'packed', reason: 'status-gone', count: 3, atLeast: false, runIds: [id('a')], text: expect.any(String) }],
        },
      ],
    })
    expect(code).toBe(1)
  })

  test('of a definition finds a renamed timeout, which its contract alone cannot', async () => {
    const renamed = unchanged.replace("name: 'patience'", "name: 'fuse'")
    const { code, stdout } = await check(renamed, 'definition')
    expect(stdout).toMatch(/packed +3 +timeout-gone +patience/)
    expect(code).toBe(1)
    expect((await check(renamed, 'parcels')).code).toBe(0)
  })

  test('says how far it has looked, and looks further when it is told to', async () => {
    const untimed = parcelsModule(
      "{ made: { step: ['packed'] }, packed: { callback: ['sent'] }, sent: { callback: ['done'] }, done: {} }",
      '',
    )
    const some = await check(untimed, 'parcels', '--inspect', '2')
    expect(some.stdout).toMatch(/looked into 3 of them; --inspect all looks into every one\n/)
    expect(some.stdout).toMatch(/packed +≥ 2 +timeout-gone +patience/)
    const all = await check(untimed, 'parcels', '--inspect', 'all')
    expect(all.stdout).toMatch(/packed +3 +timeout-gone +patience/)
    expect(all.stdout).not.toContain('looked into')
  })

  test('of a workflow that has never run there is content, says so, and names those that have', async () => {
    const others = `
import { unchecked, workflow } from '@workflow/core'
export const parcels = workflow('letters', { object: unchecked<object>(), graph: { made: { step: ['done'] }, done: {} } })
`
    const { code, stdout } = await check(others, 'parcels')
    expect(stdout).toMatch(/^letters: compatible, it has never run on this store\. If it has somewhere/)
    expect(stdout).toContain("note: the store has unfinished runs of 'parcels', which the config does not list")
    expect(code).toBe(0)
  })

  test('of one workflow leaves the others out', async () => {
    using today = project({
      'parcels.ts': withoutPacked,
      'workflow.config.ts': `
import { unchecked, workflow } from '@workflow/core'
import { sqlite } from '@workflow/sqlite'
import { parcels } from './parcels.ts'
const letters = workflow('letters', { object: unchecked<object>(), graph: { made: { step: ['done'] }, done: {} } })
export default { workflows: [parcels, letters], infrastructure: async () => sqlite({ file: ${JSON.stringify(folder.path('runs.db'))} }) }
`,
    })
    const both = await commandLine.run(today.path(''), ['graph', 'check'])
    const one = await commandLine.run(today.path(''), ['graph', 'check', 'letters', 'letters', '--json'])
    expect(both).toMatchObject({ code: 1, stdout: expect.stringMatching(/^parcels: would strand[^]*\nletters: compatible/) })
    expect(one.code).toBe(0)
    expect(JSON.parse(one.stdout)).toMatchObject({ ok: true, unlisted: [], workflows: [{ workflowName: 'letters' }] })
  })

  test('leaves the database as it was', async () => {
    using own = project({ 'parcels.ts': withoutPacked, 'workflow.config.ts': configOf('parcels', 'copy.db') })
    await leaveParcels(own.path('copy.db'))
    const before = hash(own.path('copy.db'))
    expect((await own.run('graph', 'check', '--json')).code).toBe(1)
    expect(hash(own.path('copy.db'))).toBe(before)
  })
})

describe('the check in memory', { timeout: 120_000 }, () => {
  test('works on what the config puts there, paused and newer runs included', async () => {
    using today = project({
      'workflow.config.mjs': `
import { defineConfig } from '@workflow/cli'
import { unchecked, workflow } from '@workflow/core'
import { memory } from '@workflow/core/memory'
const object = unchecked()
const before = workflow('orders', { object, graph: { a: { callback: ['b'] }, b: { callback: ['c'] }, c: {} }, schemaVersion: 2 })
const now = workflow('orders', { object, graph: { a: { callback: ['b'] }, b: {} } })
export default defineConfig({
  workflows: [now],
  infrastructure: async () => {
    const infrastructure = memory()
    const client = before.client(infrastructure)
    await client.trigger('one', { initialValue: {} })
    const runId = await client.trigger('two', { initialValue: {}, startAt: 'b' })
    await client.pause(runId, { reason: 'look', actor: 'ann' })
    return infrastructure
  },
})
`,
    })
    const { code, stdout } = await commandLine.run(today.path(''), ['graph', 'check', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      workflows: [
        {
          unfinished: 2,
          stranded: [
            { status: 'a', reason: 'schema-newer', name: '2', count: 1 },
            { status: 'b', reason: 'status-terminal', count: 1 },
          ],
        },
      ],
    })
  })
})

function hash(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}
