/** What goes wrong on the way to an answer ends with 2 and a text that says what to do. */
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { sqlite } from '@workflow/sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { CommandLine, type Ended, project } from './project.ts'

const commandLine = new CommandLine()
afterAll(() => commandLine[Symbol.asyncDispose]())

const orders = `
import { unchecked, workflow } from '@workflow/core'
export const orders = workflow('orders', { object: unchecked(), graph: { created: { step: ['paid'] }, paid: {} } })
`
const head = `import { sqlite } from '@workflow/sqlite'\nimport { orders } from './orders.ts'\n`

/** The check with this config, beside a module with a contract. */
async function checked(config: string, name = 'workflow.config.ts', ...args: readonly string[]): Promise<Ended> {
  using folder = project({ 'orders.ts': orders, 'empty.db': '', [name]: config })
  return await commandLine.run(folder.path(''), ['graph', 'check', ...args])
}

/** Ended with 2, said nothing on standard output, and this on standard error. */
function failed(text: RegExp) {
  return { code: 2, stdout: '', stderr: expect.stringMatching(new RegExp(`^workflow: [^]*${text.source}`)) }
}

describe('a call', { timeout: 120_000 }, () => {
  test.each([
    [[], /no command was given\n\nusage: workflow <command>/],
    [['graf', 'check'], /there is no command 'graf check'[^]*graph check  compare/],
    [['graph'], /there is no command 'graph'/],
    [['graph', 'check', '--colour'], /Unknown option '--colour'[^]*usage: workflow graph check/],
    [['graph', 'check', '--config'], /'--config <value>' argument missing/],
    [['graph', 'check'], /there is no config in .*: write a workflow\.config\.ts with export default defineConfig/],
    [['graph', 'check', '--config', 'other.ts'], /there is no config at .*other\.ts/],
    [['graph', 'check', '--config', '.'], /is no file: --config takes a file like workflow\.config\.ts/],
  ])('%j', async (args, text) => {
    using folder = project()
    expect(await commandLine.run(folder.path(''), args)).toEqual(failed(text))
  })

  test('for help or the version is answered', async () => {
    using folder = project()
    const asked = [['--help'], ['graph', 'check', '-h'], ['--version']]
    const [general, own, version] = await Promise.all(asked.map((args) => commandLine.run(folder.path(''), args)))
    expect(general).toMatchObject({ code: 0, stdout: expect.stringContaining('graph check  compare'), stderr: '' })
    expect(own).toMatchObject({ code: 0, stdout: expect.stringContaining('--inspect <n|all>'), stderr: '' })
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })

  test.each([
    ['--inspect', 'some', /--inspect must be a whole number or 'all'; got 'some'/],
    ['--samples', '1001', /--samples must be a whole number up to 1000; got '1001'/],
  ])('with %s %s', async (option, value, text) => {
    const config = `${head}export default { workflows: [orders], infrastructure: () => sqlite({ file: ':memory:' }) }`
    expect(await checked(config, 'workflow.config.ts', option, value)).toEqual(failed(text))
  })

  test('for a workflow that the config does not have', async () => {
    const config = `${head}export default { workflows: [orders], infrastructure: () => sqlite({ file: ':memory:' }) }`
    expect(await checked(config, 'workflow.config.ts', 'order')).toEqual(failed(/the config has no workflow 'order': it has 'orders'/))
  })
})

describe('a config', { timeout: 120_000 }, () => {
  test.each([
    [
      'without a default export',
      `${head}export const config = { workflows: [orders] }`,
      /has no default export: export default defineConfig/,
    ],
    ['that is a function', `export default () => ({})`, /must be an object \{ workflows, infrastructure \}; got a function/],
    [
      'with a misspelt key',
      `${head}export default { workflow: [orders] }`,
      /a config has no 'workflow': there are workflows and infrastructure/,
    ],
    ['without workflows', `export default { workflows: [], infrastructure: () => ({}) }`, /must list at least one .*; got a list of 0/],
    [
      'with something else as a workflow',
      `${head}export default { workflows: [orders, 10n], infrastructure: () => ({}) }`,
      /workflows\[1\] must be a contract .*; got 10n/,
    ],
    [
      'with infrastructure that is open',
      `${head}export default { workflows: [orders], infrastructure: sqlite({ file: 'x.db' }) }`,
      /infrastructure must be a function .*; got an object/,
    ],
    [
      'with a workflow twice',
      `${head}export default { workflows: [orders, orders.addStep('created', async () => 'paid')], infrastructure: () => ({}) }`,
      /workflows has 'orders' twice/,
    ],
    [
      'with a built workflow',
      `${head}export default { workflows: [orders.addStep('created', async () => 'paid').build(sqlite({ file: 'x.db' }))], infrastructure: () => ({}) }`,
      /workflows\[0\] is a built workflow: list the definition/,
    ],
    [
      'with a client',
      `${head}export default { workflows: [orders.client(sqlite({ file: 'x.db' }))], infrastructure: () => ({}) }`,
      /workflows\[0\] is a client: list the contract/,
    ],
    ['that Node cannot parse', `export default {`, /could not be loaded: [^]*SyntaxError/],
    [
      'with syntax that types alone do not have',
      `enum Colour { red }\nexport default Colour`,
      /could not be loaded: [^]*Node only strips types, so enums[^]*--import tsx/,
    ],
    [
      'with an import without its extension',
      `import { orders } from './orders'\nexport default orders`,
      /could not be loaded: [^]*with their extension/,
    ],
    [
      'with a package that is not there',
      `import x from 'not-there-at-all'\nexport default x`,
      /Cannot find package 'not-there-at-all'.*Install it beside the config/,
    ],
    [
      'of CommonJS in an ESM package',
      `const { orders } = require('./orders.ts')\nexport default orders`,
      /could not be loaded: [^]*require is not defined/,
    ],
    ['that throws', `throw new TypeError('no DATABASE_URL')`, /could not be loaded: TypeError: no DATABASE_URL\n +at /],
    ['that throws a BigInt', `throw 12n`, /could not be loaded: 12/],
  ])('%s', async (_, config, text) => {
    expect(await checked(config)).toEqual(failed(text))
  })

  test.each([
    ['loading', 'await new Promise(() => setInterval(() => undefined, 60_000))', /loading .*workflow\.config\.ts takes longer than 0\.2 s/],
    [
      'opening',
      `${head}export default { workflows: [orders], infrastructure: () => new Promise(() => undefined) }`,
      /opening the infrastructure of the config takes longer than 0\.2 s: see what it waits for/,
    ],
  ])('whose %s never ends is given up', async (_, config, text) => {
    using folder = project({ 'orders.ts': orders, 'workflow.config.ts': config })
    expect(await commandLine.run(folder.path(''), ['graph', 'check'], 200)).toEqual(failed(text))
  })

  test('in JavaScript works, of whatever kind', async () => {
    const body = `({ workflows: [workflow('w', { object: unchecked(), graph: { a: { step: ['b'] }, b: {} } })], infrastructure: () => memory() })`
    const esm = `import { unchecked, workflow } from '@workflow/core'\nimport { memory } from '@workflow/core/memory'\nexport default ${body}`
    const cjs = `const { unchecked, workflow } = require('@workflow/core')\nconst { memory } = require('@workflow/core/memory')\n`
    const ended = await Promise.all([
      checked(esm, 'workflow.config.js'),
      checked(esm, 'workflow.config.mjs'),
      checked(`${cjs}module.exports = ${body}`, 'own.cjs', '--config', 'own.cjs'),
      checked(`${cjs}exports.__esModule = true\nexports.default = ${body}`, 'compiled.cjs', '--config', 'compiled.cjs'),
    ])
    expect(ended.map(({ code, stderr }) => ({ code, stderr }))).toEqual(ended.map(() => ({ code: 0, stderr: '' })))
  })
})

describe('a store', { timeout: 120_000 }, () => {
  const config = (file: string, more = ''): string =>
    `${head}export default { workflows: [orders], infrastructure: () => sqlite({ file: ${JSON.stringify(file)}${more} }) }`

  test('that cannot be opened', async () => {
    expect(await checked(config('not/there/orders.db', `, busyTimeout: '200ms'`))).toEqual(
      failed(/StoreUnavailable: .*not\/there\/orders\.db/),
    )
  })

  test('that is no database', async () => {
    using folder = project({ 'orders.ts': orders, 'workflow.config.ts': config('orders.db') })
    writeFileSync(folder.path('orders.db'), 'a letter to a friend, long enough to be no empty file. '.repeat(100))
    expect(await commandLine.run(folder.path(''), ['graph', 'check'])).toEqual(failed(/StoreCorrupt: .*orders\.db/))
  })

  test('that somebody keeps locked', async () => {
    using folder = project({ 'orders.ts': orders, 'workflow.config.ts': config('orders.db', `, busyTimeout: '200ms'`) })
    using lock = handle(folder.path('orders.db'))
    lock.exec('BEGIN EXCLUSIVE')
    expect(await commandLine.run(folder.path(''), ['graph', 'check'])).toEqual(failed(/StoreUnavailable: .*locked/))
  })

  test('whose tables a newer version has made', async () => {
    using folder = project({ 'orders.ts': orders, 'workflow.config.ts': config('orders.db') })
    await using made = sqlite({ file: folder.path('orders.db') })
    await made.recordStore.lookup('nobody')
    await made.close()
    using database = handle(folder.path('orders.db'))
    database.exec("UPDATE workflow_meta SET value = 99 WHERE key = 'schema'")
    expect(await commandLine.run(folder.path(''), ['graph', 'check'])).toEqual(
      failed(/StoredByNewer: .*has schema version 99, this code knows \d+: upgrade/),
    )
    const { code, stdout } = await commandLine.run(folder.path(''), ['graph', 'check', '--json'])
    expect({ code, answer: JSON.parse(stdout) }).toEqual({
      code: 2,
      answer: { ok: false, error: { code: 'StoredByNewer', message: expect.stringContaining('99') } },
    })
  })

  test('that is not there, or has no tables, and is to be left alone', async () => {
    expect(await checked(config('nowhere.db', `, migrate: 'manual'`))).toEqual(
      failed(/Configuration: there is no database at nowhere\.db: check the path/),
    )
    expect(await checked(config('empty.db', `, migrate: 'manual'`), 'workflow.config.ts')).toEqual(
      failed(/Configuration: the tables in .* have schema version 0/),
    )
  })

  test('that the config fails to open, whatever it throws', async () => {
    const failing = (body: string): string => `${head}export default { workflows: [orders], infrastructure: () => ${body} }`
    const [error, bigint, nothing] = await Promise.all([
      checked(failing(`{ throw new Error('no password', { cause: new Error('vault is sealed') }) }`)),
      checked(failing('Promise.reject(7n)'), 'workflow.config.ts', '--json'),
      checked(failing('undefined')),
    ])
    expect(error).toEqual(failed(/no password; because: vault is sealed\n$/))
    expect(bigint).toMatchObject({ code: 2, stderr: 'workflow: 7\n' })
    expect(JSON.parse(bigint.stdout)).toEqual({ ok: false, error: { code: 'Error', message: '7' } })
    expect(nothing).toEqual(failed(/Configuration: the infrastructure of workflow 'orders' is missing/))
  })
})

/** A handle of the driver's own. */
function handle(file: string): { readonly exec: (sql: string) => void } & Disposable {
  const Driver = createRequire(import.meta.url)('better-sqlite3') as new (
    file: string,
  ) => { exec: (sql: string) => void; close: () => void }
  const database = new Driver(file)
  return { exec: (sql) => database.exec(sql), [Symbol.dispose]: () => database.close() }
}
