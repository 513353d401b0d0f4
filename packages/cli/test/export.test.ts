/** `workflow export` on a SQLite file: the same log as from code, to standard output or into a file. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { exportHistory } from '@workflow/core/export'
import { unchecked, workflow } from '@workflow/core'
import { sqlite } from '@workflow/sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { configOf, leaveParcels, unchanged } from './parcels.ts'
import { CommandLine, type Ended, type Project, project } from './project.ts'

/** As the older code has it that has left the runs. */
const parcels = workflow('parcels', {
  object: unchecked<object>(),
  graph: {
    made: { step: ['packed'] },
    packed: { callback: ['sent'], timeout: ['late'] },
    sent: { callback: ['done'] },
    late: { callback: ['sent'] },
    done: {},
  },
})
let folder: Project
const commandLine = new CommandLine()
const timeout = { timeout: 120_000 }

beforeAll(async () => {
  const config = configOf('definition', 'runs.db').replace(/sqlite\(\{.*?\}\)/, (open) => `({ ...${open}, slots: 2 })`)
  folder = project({ 'parcels.ts': unchanged, 'workflow.config.ts': config })
  await leaveParcels(folder.path('runs.db'))
}, 120_000)
afterAll(async () => {
  folder[Symbol.dispose]()
  await commandLine[Symbol.asyncDispose]()
})

const exported = (...args: readonly string[]): Promise<Ended> => commandLine.run(folder.path(''), ['export', ...args])
const foreignIds = (csv: string): readonly string[] => [...new Set([...csv.matchAll(/,parcels,(\w+),/g)].map(([, id = '']) => id))]

/** The log as code of the same folder makes it. */
async function fromCode(format: 'csv' | 'xes', objects = false): Promise<string> {
  await using infrastructure = sqlite({ file: folder.path('runs.db'), migrate: 'manual' })
  const client = parcels.client({ ...infrastructure, slots: 2 })
  let text = ''
  for await (const chunk of exportHistory(client, { format, objects })) text += chunk
  await client.close()
  return text
}

describe('the export', timeout, () => {
  test.each(['csv', 'xes'] as const)('writes to standard output, as %s, what code exports', async (format) => {
    const args = ['parcels', '--format', format]
    // Once by the program itself; the other cases have a process in common.
    const { code, stdout, stderr } = await (format === 'csv' ? folder.run('export', ...args) : exported(...args))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(await fromCode(format))
    expect(stdout.length).toBeGreaterThan(1_000)
  })

  test('writes into a file, whose name tells the format, and says how much', async () => {
    const { code, stdout, stderr } = await exported('--out', 'log.xes', '--objects')
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `parcels: 4 runs, 10 entries in ${folder.path('log.xes')}\n`, stderr: '' })
    expect(readFileSync(folder.path('log.xes'), 'utf8')).toBe(await fromCode('xes', true))
    const again = await exported('--out', 'log.xes', '--json')
    expect(JSON.parse(again.stdout)).toEqual({
      ok: true,
      workflowName: 'parcels',
      runs: 4,
      entries: 10,
      file: folder.path('log.xes'),
      problems: { count: 0, first: [] },
    })
    expect(readFileSync(folder.path('log.xes'), 'utf8')).toBe(await fromCode('xes'))
    expect(existsSync(folder.path('log.xes.partial'))).toBe(false)
  })

  test.each<readonly [readonly string[], readonly string[]]>([
    [['--status', 'sent'], ['d']],
    [
      ['--status', 'sent', '--status', 'packed', '--order', 'oldest'],
      ['a', 'b', 'c', 'd'],
    ],
    [['--state', 'Paused'], ['b']],
    [['--foreign-id', 'c'], ['c']],
    [['--metadata', 'region=eu=west'], []],
  ])('with %j has the runs %j', async (args, ids) => {
    const { code, stdout, stderr } = await exported('--format', 'csv', ...args)
    expect({ code, stderr, ids: foreignIds(stdout) }).toEqual({ code: 0, stderr: '', ids })
  })

  test('hides what a module says', async () => {
    folder.write(
      'hide.ts',
      `export const entry = (entry: { actor?: string }) => ({ ...entry, ...(entry.actor && { actor: 'someone', reason: '' }) })`,
    )
    const { stdout } = await exported('--format', 'csv', '--redact', 'hide.ts', '--state', 'Paused')
    expect(stdout).toContain('someone')
    expect(stdout).not.toMatch(/ann|look at it/)
  })

  test('of objects that cannot be read is written, ends with 1, and names them', async () => {
    using broken = project({
      'workflow.config.mjs': `
import { defineConfig } from '@workflow/cli'
import { unchecked, workflow } from '@workflow/core'
import { memory } from '@workflow/core/memory'
const orders = workflow('orders', { object: unchecked(), graph: { a: { callback: ['b'] }, b: {} } })
export default defineConfig({
  workflows: [orders],
  infrastructure: async () => {
    const infrastructure = memory()
    const client = orders.client(infrastructure)
    for (let i = 0; i < 30; i++) {
      const runId = await client.trigger('order ' + i, { initialValue: {} })
      await infrastructure.recordStore.rewrite(runId, async (payload) => ({ ...payload, bytes: new Uint8Array([123]) }))
    }
    const quiet = () => undefined
    return { ...infrastructure, logger: { debug: quiet, info: quiet, warn: quiet, error: quiet } }
  },
})
`,
    })
    const { code, stdout, stderr } = await commandLine.run(broken.path(''), ['export', '--format', 'csv', '--objects'])
    expect(code).toBe(1)
    expect(stdout.match(/StoreCorrupt/g)).toHaveLength(30)
    expect(stderr).toMatch(
      /^workflow: the log is whole but for 30 problems:\n(?: {2}run .* of workflow 'orders': the object of version 1 .*\n){20} {2}and 10 more\n$/,
    )
    expect((await commandLine.run(broken.path(''), ['export', '--format', 'csv'])).code).toBe(0)
  })
})

describe('a call that cannot be', timeout, () => {
  test.each<readonly [readonly string[], RegExp]>([
    [[], /which format\? Give --format csv or --format xes/],
    [['--format', 'json'], /--format must be csv or xes; got 'json'/],
    [['--out', 'log.txt'], /which format\?/],
    [['--format', 'csv', '--json'], /--json is about the export, and standard output has the log: give --out/],
    [['parcels', 'letters', '--format', 'csv'], /one workflow at a time; got 'parcels', 'letters'/],
    [['letters', '--format', 'csv'], /the config has no workflow 'letters': it has 'parcels'/],
    [['--format', 'csv', '--metadata', 'region'], /--metadata must be <key=value>; got 'region'/],
    [['--format', 'csv', '--status', 'lost'], /InvalidArgument: .*lost/],
    [['--format', 'csv', '--state', 'Done'], /InvalidArgument: .*there is no run state "Done"/],
    [['--format', 'csv', '--order', 'random'], /InvalidArgument: .*order must be 'oldest' or 'newest'/],
    [['--format', 'csv', '--concurrency', 'many'], /InvalidArgument: .*concurrency must be a whole number/],
    [['--format', 'csv', '--redact', 'nowhere.ts'], /there is no module at .*nowhere\.ts: --redact takes one that exports/],
    [['--format', 'csv', '--redact', 'misspelt.ts'], /misspelt\.ts exports 'entries', which is no hook/],
    [['--format', 'csv', '--redact', 'empty.ts'], /empty\.ts exports nothing/],
    [['--format', 'csv', '--redact', 'text.ts'], /redact\.run must be a function; got "x"/],
    [['--format', 'csv', '--objects=yes'], /does not take an argument/],
    [['--out', 'not/there/log.csv'], /log\.csv\.partial cannot be written; because: ENOENT/],
  ])('%j', async (args, text) => {
    folder.write('misspelt.ts', 'export const entries = (entry: object) => entry')
    folder.write('empty.ts', 'export {}')
    folder.write('text.ts', `export const run = 'x'`)
    expect(await exported(...args)).toMatchObject({ code: 2, stderr: expect.stringMatching(text) })
  })

  test('leaves what was in the file, and no part of the new one', async () => {
    folder.write('kept.csv', 'as it was')
    expect(await exported('--out', 'kept.csv', '--status', 'lost')).toMatchObject({ code: 2, stdout: '' })
    expect(readFileSync(folder.path('kept.csv'), 'utf8')).toBe('as it was')
    expect(existsSync(folder.path('kept.csv.partial'))).toBe(false)
  })

  test('into a file that another export writes', async () => {
    writeFileSync(folder.path('busy.csv.partial'), '')
    expect(await exported('--out', 'busy.csv')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/busy\.csv\.partial cannot be written: another export writes it; if it was killed, remove that file/),
    })
  })

  test('without a workflow, where there are several', async () => {
    using two = project({
      'workflow.config.mjs': `
import { unchecked, workflow } from '@workflow/core'
import { memory } from '@workflow/core/memory'
const made = (name) => workflow(name, { object: unchecked(), graph: { a: { step: ['b'] }, b: {} } })
export default { workflows: [made('orders'), made('letters')], infrastructure: () => memory() }
`,
    })
    const ended = await commandLine.run(two.path(''), ['export', '--format', 'csv'])
    expect(ended).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining("which workflow? The config has 'orders', 'letters'"),
    })
  })

  test('shows its options in its help', async () => {
    const { stdout } = await exported('--help')
    expect(stdout).toMatch(/^usage: workflow export \[workflow\] \[options\]\n/)
    expect(stdout).toMatch(/--objects +with the object/)
    expect(stdout).toMatch(/--status <status> +only runs/)
  })
})

test('the program ends when nobody reads its log any more', timeout, async () => {
  using many = project({
    'workflow.config.mjs': `
import { unchecked, workflow } from '@workflow/core'
import { memory } from '@workflow/core/memory'
const orders = workflow('orders', { object: unchecked(), graph: { a: { callback: ['b'] }, b: {} } })
export default {
  workflows: [orders],
  infrastructure: async () => {
    const infrastructure = memory()
    const items = Array.from({ length: 5_000 }, (_, i) => ({ foreignId: 'order ' + i, initialValue: {} }))
    await orders.client(infrastructure).triggerMany(items)
    return infrastructure
  },
}
`,
  })
  const program = fileURLToPath(new URL('../bin/workflow.js', import.meta.url))
  const env = { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' }
  const child = spawn(process.execPath, ['--conditions=@workflow/source', program, 'export', '--format', 'xes'], {
    cwd: many.path(''),
    env,
    timeout: 110_000,
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stdout.once('data', () => child.stdout.destroy())
  const code = await new Promise((done, fail) => child.on('close', done).on('error', fail))
  expect({ code, said }).toEqual({
    code: 2,
    said: expect.stringMatching(/^workflow: standard output was closed before everything was written/),
  })
})
