/** The whole program, as a child process, the way people start, pipe into, interrupt and kill it. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testProgram } from '../test/program.ts'
import { sampleOrder } from './sample-orders.ts'

const program = testProgram()
const { start } = program

const line = (id: string, more: object = {}): string =>
  JSON.stringify({ id, customer: 'Ada', card: 'visa-4242', items: [{ sku: 'mug', quantity: 2, cents: 1_250 }], ...more })

test('processes the sample to the end and proves it', { timeout: 30_000 }, async () => {
  const run = start(['--fast', '--count', '120'])
  expect(await run.ended, run.output()).toEqual({ code: 0, signal: null })
  expect(run.output()).toContain('Stdin is empty: taking the sample orders.')
  expect(run.output()).toMatch(/120\/120 done/)
  expect(run.output()).toContain('stateDiagram-v2')
  expect(run.output()).toContain('120 orders, this start took')
  expect(run.output()).toMatch(/ok {6}no order was charged twice \(1\d\d charges/)
  expect(run.output()).toMatch(/ {2}passed\n/)
  expect(run.output()).toContain('What to try next')
  // Not a terminal: nothing to draw with.
  expect(run.output()).not.toContain('\u001B')
})

test('goes on after every kill -9, and charges nobody twice', { timeout: 60_000 }, async () => {
  // So many that no machine is through with them at the first look.
  const file = join(program.folder, 'orders.ndjson')
  await writeFile(file, Array.from({ length: 2_500 }, (_, index) => `${JSON.stringify(sampleOrder(index + 1))}\n`).join(''))
  for (const enough of [/[1-9]\d*\/[\d,]+\+? done/, /\n {0,2}0\.\d s/, /failures, [1-9]\d* retries/]) {
    const run = start(['--fast', '--file', file])
    await run.says(enough)
    run.child.kill('SIGKILL')
    expect(await run.ended).toEqual({ code: null, signal: 'SIGKILL' })
  }
  const last = start(['--fast', '--file', file])
  expect(await last.ended, last.output()).toEqual({ code: 0, signal: null })
  expect(last.output()).toContain('every order has one run (2,500 orders)')
  expect(last.output()).toMatch(/ {2}passed\n/)
  expect(last.output()).toMatch(/input: .*known from before/)
})

test('Ctrl-C stops in good order and says how to go on', { timeout: 30_000 }, async () => {
  const first = start(['--fast', '--count', '999'])
  await first.says(/[1-9]\d*\/[\d,]+\+? done/)
  first.child.kill('SIGINT')
  expect(await first.ended, first.output()).toEqual({ code: 130, signal: null })
  expect(first.output()).toMatch(/Stopped\. \d+ of \d+ orders have ended/)
  expect(first.output()).toContain(`Go on with: npm start -- --count 999 --db ${join(program.folder, 'orders.db')} --fast`)
  const second = start(['--fast', '--count', '999'])
  expect(await second.ended, second.output()).toEqual({ code: 0, signal: null })
  expect(second.output()).toContain('every order has one run (999 orders)')
})

test('two processes share one file', { timeout: 30_000 }, async () => {
  // At life's pace: the declined cards among them keep both alive for eight seconds at least.
  const first = start(['--count', '60'])
  await first.says(/done/)
  const second = start(['--count', '60'])
  await second.says(/2 processes/)
  const refused = start(['--reset', '--count', '1'])
  expect((await refused.ended).code).toBe(1)
  expect(refused.output()).toMatch(/is in use by process \d+/)
  for (const run of [first, second]) {
    expect(await run.ended, run.output()).toEqual({ code: 0, signal: null })
    expect(run.output()).toContain('every order has one run (60 orders)')
    expect(run.output()).toMatch(/ {2}passed\n/)
  }
})

test('reads stdin, says which lines are bad, and loses none of the others', { timeout: 30_000 }, async () => {
  const lines = [
    line('good-1'),
    'this is no \u001B[2J JSON',
    line('good-1'),
    '',
    line('bad-1', { items: [] }),
    line('good-2\u2028'),
    line('bad-2', { card: 7 }),
    '[]',
    line('good-3'),
  ]
  const run = start(['--fast'], lines.join('\n'))
  expect(await run.ended, run.output()).toEqual({ code: 0, signal: null })
  expect(run.output()).toMatch(/line 2: skipped, [^\n]*is not valid JSON/)
  expect(run.output()).toMatch(/line 3: order good-1 of line 1 is already (in progress|\w+); not taken twice/)
  expect(run.output()).toMatch(/line 5: skipped, items: /)
  expect(run.output()).toMatch(/line 7: skipped, card: /)
  expect(run.output()).toMatch(/line 8: skipped, /)
  expect(run.output()).toContain('input: 3 new orders, 1 repeated lines, 4 invalid lines skipped')
  expect(run.output()).toContain('every order has one run (3 orders)')
  // What comes from outside cannot steer a terminal.
  expect(run.output()).not.toContain('\u001B')
  // Once more, from a file: all known, none run again.
  await writeFile(join(program.folder, 'orders.ndjson'), lines.join('\r\n'))
  const again = start(['--fast', '--file', join(program.folder, 'orders.ndjson')])
  expect(await again.ended, again.output()).toEqual({ code: 0, signal: null })
  expect(again.output()).toContain('line 3: order good-1 of line 1 is already shipped; not taken twice')
  expect(again.output()).toContain('input: 0 new orders, 3 known from before, 1 repeated lines, 4 invalid lines skipped')
})

test('takes the sample when a pipe stays silent, and does not wait for its end', { timeout: 30_000 }, async () => {
  const run = start(['--fast', '--count', '5'], { stays: 'open' })
  expect(await run.ended, run.output()).toEqual({ code: 0, signal: null })
  expect(run.output()).toContain('Nothing comes in from stdin')
})

test('--resume takes nothing in, a broken promise is found, and --reset begins anew', { timeout: 30_000 }, async () => {
  expect((await start(['--fast', '--count', '4']).ended).code).toBe(0)
  const resumed = start(['--fast', '--resume'])
  expect((await resumed.ended).code).toBe(0)
  expect(resumed.output()).toContain('every order has one run (4 orders)')
  // The ledger alone is lost: what was shipped was never charged, as far as anybody can tell.
  for (const end of ['', '-wal', '-shm']) await rm(join(program.folder, `orders.payments.db${end}`), { force: true })
  const broken = start(['--fast', '--resume'])
  expect((await broken.ended).code).toBe(1)
  expect(broken.output()).toContain('BROKEN  database and ledger agree')
  expect(broken.output()).toContain('FAILED: 1 of 5 promises are broken')
  const anew = start(['--fast', '--count', '2', '--reset'])
  expect((await anew.ended).code).toBe(0)
  expect(anew.output()).toContain('every order has one run (2 orders)')
})

test('ends by serving the web UI if it is asked to, and by Ctrl-C as it would have ended', { timeout: 30_000 }, async () => {
  const run = start(['--fast', '--count', '5', '--ui'])
  await run.says(/http:\/\/127\.0\.0\.1:\d+\/.*Ctrl-C/)
  expect(run.output()).toMatch(/ {2}passed\n/)
  const [url = ''] = /http:\/\/127\.0\.0\.1:\d+\//.exec(run.output()) ?? []
  // Nobody has built the pages: they are made when they are looked at.
  const page = await fetch(url)
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('assets/app.js')])
  const orders = await fetch(`${url}api/v1/workflows/order-processing/runs`)
  expect(((await orders.json()) as { readonly items: readonly object[] }).items).toHaveLength(5)
  run.child.kill('SIGINT')
  expect(await run.ended, run.output()).toEqual({ code: 0, signal: null })
  expect(run.output()).not.toContain('Stopped.')
})

test.each([
  [['--fiel', 'x'], /Unknown option '--fiel'/],
  [['--interactive'], /--interactive needs a terminal/],
])('says what is wrong with %j, touches nothing, and exits with 2', async (args, complaint) => {
  const run = start(args)
  expect((await run.ended).code).toBe(2)
  expect(run.output()).toMatch(complaint)
  await expect(readFile(join(program.folder, 'orders.db'))).rejects.toThrow('ENOENT')
})

test('explains itself', async () => {
  const run = start(['--help'])
  expect((await run.ended).code).toBe(0)
  expect(run.output()).toContain('--interactive')
})
