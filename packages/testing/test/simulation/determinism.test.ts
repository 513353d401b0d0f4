import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { Dice } from '../../src/simulation/dice.ts'
import { faultKinds } from '../../src/simulation/fault.ts'
import { Timeline } from '../../src/simulation/timeline.ts'
import { dailySeeds } from './daily-seeds.ts'
import { runRandomSeed } from './random-seed.ts'

const all = { runs: 20, faults: 20, without: [], kinds: faultKinds }

test('dice throw the same numbers on every machine', () => {
  const dice = new Dice(42)
  expect(Array.from({ length: 4 }, () => dice.bits())).toEqual([682_202_519, 665_730_741, 765_752_300, 1_184_875_161])
  const others = Dice.of(2 ** 40 + 7, 'order')
  expect(Array.from({ length: 3 }, () => others.between(1, 1_000))).toEqual([423, 84, 813])
})

test('the same seed has the same trace, whatever ran before it and however it was loaded', { timeout: 60_000 }, async () => {
  const first = await runRandomSeed({ ...all, seed: 77 })
  await runRandomSeed({ ...all, seed: 78 })
  const again = await runRandomSeed({ ...all, seed: 77 })
  expect(again.hash).toBe(first.hash)
  expect(again.events).toBe(first.events)
  const command = fileURLToPath(new URL('command.ts', import.meta.url))
  const args = ['--conditions=@workflow/source', command, '--seed', '77', '--runs', '20', '--faults', '20']
  const { stdout } = await promisify(execFile)(process.execPath, args)
  expect(stdout).toContain(`trace ${first.hash}`)
  expect((await runRandomSeed({ ...all, seed: 79 })).hash).not.toBe(first.hash)
})

test('looking at a trace does not change it', { timeout: 60_000 }, async () => {
  const lines: string[] = []
  const looked = await runRandomSeed({ ...all, seed: 12 }, (line) => lines.push(line))
  expect(looked.hash).toBe((await runRandomSeed({ ...all, seed: 12 })).hash)
  expect(lines.length).toBeGreaterThan(100)
})

test('events happen by their time, then by the order in which they were planned, with all microtasks between them', async () => {
  const timeline = new Timeline()
  const happened: string[] = []
  for (const [name, afterUs] of [
    ['c', 30],
    ['a', 10],
    ['b', 10],
    ['d', 40],
  ] as const) {
    timeline.plan(afterUs, 'call', 1, () => {
      happened.push(`${name} at ${timeline.us}`)
      void Promise.resolve()
        .then(() => undefined)
        .then(() => happened.push(`${name} went on`))
    })
  }
  const off = timeline.plan(20, 'timer', 1, () => happened.push('called off'))
  off.run = undefined
  await timeline.run()
  expect(happened).toEqual(['a at 10', 'a went on', 'b at 10', 'b went on', 'c at 30', 'c went on', 'd at 40', 'd went on'])
})

test('every day has seeds of its own', () => {
  const one = dailySeeds(new Date('2026-03-01T23:59:00Z'))
  const next = dailySeeds(new Date('2026-03-02T00:00:00Z'))
  expect(next.from).toBe(one.from + one.seeds)
  expect(one.seeds).toBe(5_000)
})

test('what core loads when it is needed is loaded before a simulation begins, because no real time passes in it', () => {
  const core = new URL('../../../core/src/', import.meta.url)
  const sources = readdirSync(core, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  )
  const lazy = sources.flatMap((file) =>
    [...readFileSync(new URL(file, core), 'utf8').matchAll(/\bimport\('([^']+)'\)/g)].map((match) => match[1]),
  )
  // Another one? Then `preload` must call whatever needs it, and this list must name it.
  expect(new Set(lazy)).toEqual(
    new Set([
      '../adapter/loggable-error.ts',
      './engine/changes.ts',
      './engine/compatibility.ts',
      './engine/control.ts',
      './engine/explain.ts',
      './engine/history-entry.ts',
      './engine/move-to.ts',
      './engine/observed.ts',
      './engine/run-timers.ts',
      './engine/schedule.ts',
      './engine/send-callback.ts',
      './engine/starting.ts',
      './engine/trigger-many.ts',
      './engine/worker.ts',
      'croner',
    ]),
  )
})
