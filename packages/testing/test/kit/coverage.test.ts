import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unchecked, workflow } from '@workflow/core'
import { afterAll, expect, test } from 'vitest'
import { testKit } from '../../src/index.ts'
import {
  type Coverage,
  coverageCommand,
  coverageFaults,
  coverageMermaid,
  coverageText,
  mergeCoverage,
  readCoverage,
  sharesOf,
  writeCoverage,
} from '../../src/kit/coverage/index.ts'
import { trialDefinition } from './trial.ts'

const ann = { initialValue: { user: 'ann', reminders: 0 } }
const folder = mkdtempSync(join(tmpdir(), 'workflow-coverage-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Ann is reminded, subscribes, and nothing fails. */
async function happy(): Promise<Coverage> {
  await using kit = testKit(trialDefinition, {}, { coverage: false })
  await kit.trigger('ann', ann)
  await kit.advance('12d')
  await kit.triggerCallbackOn('ann', 'started', { card: 'visa' })
  return kit.coverage()
}

/** A mock refuses, after an error. */
async function refused(): Promise<Coverage> {
  await using kit = testKit(trialDefinition, {
    steps: { requested: async (run) => (run.attempt === 1 ? Promise.reject(new Error('down')) : 'refused') },
  })
  await kit.trigger('bob', ann)
  await kit.waitForCompletion('bob')
  return kit.coverage()
}

test('says which transitions, timeouts and error paths no test took', async () => {
  expect(coverageText(await happy())).toBe(
    [
      'trial: 3 of 6 transitions (50 %), 1 of 2 timeouts (50 %), 0 of 4 error paths (0 %), by 1 run in 1 kit',
      '  not taken     step requested -> refused',
      '  not taken     callback started -> refused',
      '  not taken     timeout started -> expired',
      "  never fired   timeout 'expiry' of started",
      '  never failed  step requested',
      '  never failed  callback started',
      '  never failed  timeout started (reminder)',
      '  never failed  timeout started (expiry)',
      '',
    ].join('\n'),
  )
})

test('coverage of several kits adds up, and tells what only mocks have done', async () => {
  const merged = mergeCoverage([await happy(), await refused(), await happy()])
  expect(coverageText(merged).split('\n').slice(0, 4)).toEqual([
    'trial: 4 of 6 transitions (66 %), 1 of 2 timeouts (50 %), 1 of 4 error paths (25 %), by 3 runs in 3 kits',
    '  not taken     callback started -> refused',
    '  not taken     timeout started -> expired',
    '  by mocks only step requested -> refused',
  ])
  const [trial] = merged.workflows
  expect(trial?.transitions.find(({ to }) => to === 'subscribed')).toMatchObject({ taken: 2, mocked: 0 })
  expect(trial === undefined ? undefined : sharesOf(trial).errors).toEqual({ covered: 1, of: 4, percent: 25 })
})

test('what only repeats, pauses or skips is no transition, also where the graph has a loop', async () => {
  const loop = workflow('loop', {
    object: unchecked<{ count: number }>(),
    graph: { on: { step: ['on', 'off'], callback: ['off'] }, off: {} },
  })
    .addStep('on', async (run) => {
      run.object.count += 1
      if (run.object.count < 3) return run.saveAndRepeat()
      return run.object.count === 3 ? run.skip() : 'off'
    })
    .addCallback('on', async () => 'off')
  await using kit = testKit(loop)
  await kit.trigger('a', { initialValue: { count: 0 } })
  await kit.settle()
  const taken = () => kit.coverage().workflows[0]?.transitions.map(({ kind, to, taken: times }) => `${kind} ${to} ${times}`)
  expect(taken()).toEqual(['step on 0', 'step off 0', 'callback off 0'])
  await kit.triggerCallbackOn('a', 'on')
  expect(taken()).toEqual(['step on 0', 'step off 0', 'callback off 1'])
})

test('the chart has every edge, and marks those that were not taken', async () => {
  const chart = coverageMermaid(await happy())
  expect(chart).toBe(
    [
      '---',
      'title: "trial"',
      '---',
      'flowchart TB',
      '  s1["requested"]',
      '  s2["started"]',
      '  s3(["subscribed"])',
      '  s4(["expired"])',
      '  s5(["refused"])',
      '  s1 -- "step: 1" --> s2',
      '  s1 -. "step: not taken" .-> s5',
      '  s2 -- "callback: 1" --> s3',
      '  s2 -. "callback: not taken" .-> s5',
      '  s2 -- "timeout: 1" --> s2',
      '  s2 -. "timeout: not taken" .-> s4',
      '  linkStyle 1,3,5 stroke:#c00,color:#c00',
      '',
    ].join('\n'),
  )
})

test('thresholds name the workflow, what it has, and what it must have', async () => {
  const coverage = await happy()
  expect(coverageFaults(coverage, { transitions: 50, timeouts: 50, errors: 0 })).toEqual([])
  expect(coverageFaults(coverage, { transitions: 51, errors: 10 })).toEqual([
    'trial: 3 of 6 transitions are covered, 50 %, and 51 % is the least',
    'trial: 0 of 4 error paths are covered, 0 %, and 10 % is the least',
  ])
  expect(() => coverageFaults(coverage, { timeouts: 101 })).toThrow('the threshold of timeouts must be a percentage, 0 to 100; got 101')
})

test('two workflows of one name and different graphs stay apart', async () => {
  const other = workflow('trial', { object: unchecked<{}>(), graph: { a: { step: ['b'] }, b: {} } }).addStep('a', async () => 'b')
  await using kit = testKit(other)
  const merged = mergeCoverage([kit.coverage(), await happy(), kit.coverage()])
  expect(merged.workflows.map(({ workflow: name, kits }) => `${name} ${kits}`).sort()).toEqual(['trial 1', 'trial 2'])
})

test('a process writes one file, however many kits it has, and the reader merges them', async () => {
  const own = join(folder, 'process')
  for (const seed of [1, 2]) {
    await using kit = testKit(trialDefinition, {}, { seed, coverage: own })
    await kit.trigger('ann', ann)
    await kit.settle()
  }
  expect(readdirSync(own)).toHaveLength(1)
  expect(readCoverage(own).workflows[0]).toMatchObject({ runs: 2, kits: 2 })
  writeFileSync(join(own, 'workflow-coverage-0-other.json'), JSON.stringify(await refused()))
  expect(readCoverage(own).workflows[0]).toMatchObject({ runs: 3, kits: 3 })
  writeFileSync(join(own, 'workflow-coverage-0-broken.json'), '{"version":1,')
  expect(() => readCoverage(own)).toThrow(/workflow-coverage-0-broken\.json is no coverage: it is not JSON/)
  writeFileSync(join(own, 'workflow-coverage-0-broken.json'), '{"version":9}')
  expect(() => readCoverage(own)).toThrow('is no coverage that this version of @workflow/testing can read')
  for (const workflows of [
    [null],
    [{}],
    [{ ...(await happy()).workflows[0], transitions: [{}] }],
    [{ ...(await happy()).workflows[0], runs: '1' }],
  ]) {
    writeFileSync(join(own, 'workflow-coverage-0-broken.json'), JSON.stringify({ version: 1, workflows }))
    expect(() => readCoverage(own)).toThrow('is no coverage that this version of @workflow/testing can read')
  }
})

test('a kit that is not stopped is told, and a workflow that has no other is known all the same', async () => {
  const own = join(folder, 'unstopped')
  const kits = [1, 2].map((seed) => testKit(trialDefinition, {}, { seed, coverage: own }))
  const [stopped, left] = kits
  await Promise.all(kits.map((kit) => kit.trigger('ann', ann)))
  await Promise.all(kits.map((kit) => kit.settle()))
  expect(coverageText(readCoverage(own)).split('\n')[0]).toContain('0 of 6 transitions (0 %)')
  await stopped?.stop()
  const lines = coverageText(readCoverage(own)).trimEnd().split('\n')
  expect(lines[0]).toContain('1 of 6 transitions (16 %)')
  expect(lines[0]).toContain('by 1 run in 1 kit')
  expect(lines.at(-1)).toBe('  never stopped 1 kit: what was done there is not counted; use await using, or kit.stop()')
  await left?.stop()
  expect(coverageText(readCoverage(own))).not.toContain('never stopped')
})

test('a folder that cannot be written is refused when the kit is made', () => {
  const file = join(folder, 'a file')
  writeFileSync(file, '')
  expect(() => testKit(trialDefinition, {}, { coverage: join(file, 'below') })).toThrow(
    `path coverage cannot be written into ${join(file, 'below')}: ENOTDIR`,
  )
})

async function command(...args: readonly string[]) {
  const texts = { out: '', error: '' }
  const code = await coverageCommand(args, {
    out: (text) => (texts.out += text),
    error: (text) => (texts.error += text),
  })
  return { code, ...texts }
}

test('the command reports a folder, and fails below a threshold or without a workflow', async () => {
  const from = join(folder, 'command')
  writeCoverage(from, await happy())
  expect(await command('--from', from)).toEqual({ code: 0, out: coverageText(await happy()), error: '' })
  const low = await command('--from', from, '--min', '40', '--expect', 'trial', '--expect', 'orders')
  expect(low.code).toBe(1)
  expect(low.error.trimEnd().split('\n')).toEqual([
    'orders: no test ran this workflow',
    'trial: 0 of 4 error paths are covered, 0 %, and 40 % is the least',
  ])
  expect((await command('--from', from, '--min', '60', '--min-errors', '0', '--min-timeouts', '50')).error).toContain('50 %, and 60 %')
  const file = join(folder, 'report.mmd')
  expect(await command('--from', from, '--format', 'mermaid', '--out', file)).toEqual({ code: 0, out: '', error: '' })
  expect(readFileSync(file, 'utf8')).toContain('flowchart TB')
  expect(JSON.parse((await command('--from', from, '--format', 'json')).out)).toEqual(readCoverage(from))
})

test('the command runs the tests, ends with their code, and leaves nothing behind', async () => {
  const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith('workflow-coverage-') && !folder.endsWith(name))
  const before = left()
  expect((await command('--', process.execPath, '-e', 'process.exit(3)')).code).toBe(3)
  const none = await command('--', process.execPath, '-e', '')
  expect(none.code).toBe(2)
  expect(none.error).toMatch(/no test that '.*' ran has made a kit by testKit, or none of them was given .* WORKFLOW_COVERAGE/)
  expect(left()).toEqual(before)
})

test('the command keeps what these tests have written, and nothing older', async () => {
  const keep = join(folder, 'keep')
  writeCoverage(keep, await refused())
  writeFileSync(join(keep, 'notes.txt'), 'mine')
  const script = `
import { testKit } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
import { trialDefinition } from ${JSON.stringify(new URL('trial.ts', import.meta.url).href)}
await using kit = testKit(trialDefinition)
await kit.trigger('ann', ${JSON.stringify(ann)})
await kit.settle()`
  const out = join(folder, 'made', 'for', 'it.txt')
  const tests = [process.execPath, '--conditions=@workflow/source', '--input-type=module', '-e', script]
  expect(await command('--keep', keep, '--out', out, '--', ...tests)).toEqual({ code: 0, out: '', error: '' })
  expect(readFileSync(out, 'utf8')).toContain(
    '1 of 6 transitions (16 %), 0 of 2 timeouts (0 %), 0 of 4 error paths (0 %), by 1 run in 1 kit',
  )
  expect(readdirSync(keep)).toHaveLength(2)
})

test('whoever ends the command ends the tests, and its code is theirs', { timeout: 60_000 }, async () => {
  const bin = join(import.meta.dirname, '../../bin/workflow-coverage.mjs')
  for (const [heed, expected] of [
    ["process.on('SIGTERM', () => process.exit(7))", 7],
    ['', 143],
  ] as const) {
    const tests = `${heed}; setInterval(() => undefined, 60_000); console.log('up')`
    const child = spawn(process.execPath, ['--conditions=@workflow/source', bin, '--', process.execPath, '-e', tests])
    const ended = once(child, 'exit')
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    expect(await ended).toEqual([expected, null])
  }
})

test('the command says what is wrong with its arguments', async () => {
  expect((await command('--help')).out).toContain('workflow-coverage [options] -- <command that runs the tests>')
  for (const [args, complaint] of [
    [[], 'say either how the tests are run'],
    [['--from', 'a', '--', 'b'], 'say either how the tests are run'],
    [['--from', 'a', '--format', 'pdf'], "there is no format 'pdf'"],
    [['--from', 'a', '--min', 'much'], "a threshold is a percentage, 0 to 100; got 'much'"],
    [['--from', 'a', '--min-errors', '101'], "got '101'"],
    [['--most', '3'], "Unknown option '--most'"],
    [['--from', join(folder, 'nowhere')], `there is no folder ${join(folder, 'nowhere')}`],
    [['--from', import.meta.filename], `${import.meta.filename} is no folder`],
    [['--from', 'a', '--format', 'toString'], "there is no format 'toString'"],
    [['--from', 'a', '--keep', 'b'], '--keep is for what tests write'],
    [['--', join(folder, 'no-such-program')], 'cannot be run'],
  ] as const) {
    const { code, error } = await command(...args)
    expect({ args, code }).toEqual({ args, code: 2 })
    expect(error).toContain(complaint)
  }
})
