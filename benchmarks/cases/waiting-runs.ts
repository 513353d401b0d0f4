/** What a process takes, and how fast it starts, on a database full of runs that are not finished. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../harness/bench.ts'
import { Child } from '../harness/child.ts'
import type { Place } from '../harness/database.ts'
import type { Figure } from '../harness/report.ts'

interface FirstStep {
  /** Since the adapter was made. */
  readonly firstStepMs: number
  /** Since the process began. */
  readonly sinceSpawnMs: number
}

/** Runs that wait for a callback, each with a pending timer: memory above that of an engine on an empty database. */
export function waitingRuns(name: string, open: () => Promise<Place>): Case {
  return {
    name,
    runs: 1_000_000,
    measure: async ({ runs, repeats }) => {
      await using empty = await open()
      await using full = await open()
      await fill(full.address, runs, 'waiting')
      return await compareWithEmpty(empty, full, repeats)
    },
  }
}

/** What an engine takes on either, and how long its first step takes on the full one. */
export async function compareWithEmpty(empty: Place, full: Place, repeats: number): Promise<readonly Figure[]> {
  const idle: number[] = []
  const waiting: number[] = []
  const firstSteps: number[] = []
  for (let i = 0; i < repeats; i++) {
    idle.push((await lookAt(empty.address)).rss)
    const looked = await lookAt(full.address)
    waiting.push(looked.rss)
    firstSteps.push(looked.firstStepMs)
  }
  return [
    { metric: 'rss of an idle engine', unit: 'MB', values: idle },
    { metric: 'rss with waiting runs and timers', unit: 'MB', values: waiting },
    { metric: 'more', unit: 'MB', values: waiting.map((value, i) => value - (idle[i] ?? Number.NaN)) },
    { metric: 'start to first step of a new run', unit: 'ms', values: firstSteps },
    { metric: 'database', unit: 'MB', values: [await full.megabytes()] },
  ]
}

/** Runs that nobody has worked on yet. */
export function backlog(name: string, open: () => Promise<Place>): Case {
  return {
    name,
    runs: 1_000_000,
    measure: async ({ runs, repeats }) => {
      await using place = await open()
      await fill(place.address, runs, 'triggered')
      const firstSteps: FirstStep[] = []
      for (let i = 0; i < repeats; i++) firstSteps.push(await start(place.address, (child) => child.end()))
      return startFigures(firstSteps)
    },
  }
}

/** From the start of a new process after `kill -9` of the only one, in the middle of its work. */
export function restart(name: string, open: () => Promise<Place>): Case {
  return {
    name,
    runs: 200_000,
    measure: async ({ runs, repeats }) => {
      await using place = await open()
      await fill(place.address, runs, 'triggered')
      const firstSteps: FirstStep[] = []
      for (let i = 0; i < repeats; i++) {
        await start(place.address, async (child) => {
          await sleep(workBeforeKillMs)
          await child.kill()
        })
        firstSteps.push(await start(place.address, (child) => child.end()))
      }
      return startFigures(firstSteps)
    },
  }
}

const workBeforeKillMs = 500

function startFigures(firstSteps: readonly FirstStep[]): readonly Figure[] {
  return [
    { metric: 'adapter made to first step', unit: 'ms', values: firstSteps.map(({ firstStepMs }) => firstStepMs) },
    { metric: 'process start to first step', unit: 'ms', values: firstSteps.map(({ sinceSpawnMs }) => sinceSpawnMs) },
  ]
}

async function fill(address: string, runs: number, mode: 'waiting' | 'triggered'): Promise<void> {
  await using child = new Child('filling', [address, String(runs), mode])
  await child.next<{ filled: number }>()
  await child.end()
}

async function lookAt(address: string): Promise<{ rss: number; firstStepMs: number }> {
  await using child = new Child('waiting', [address])
  await child.next<{ runningMs: number }>()
  child.say('trigger')
  const { firstStepMs } = await child.next<FirstStep>()
  child.say('rss')
  const { rssMegabytes: rss } = await child.next<{ rssMegabytes: number }>()
  await child.end()
  return { rss, firstStepMs }
}

/** A process that finds work: says how long that took, then `finish` ends it. */
async function start(address: string, finish: (child: Child) => Promise<void>): Promise<FirstStep> {
  await using child = new Child('waiting', [address])
  let said = await child.next<Partial<FirstStep>>()
  while (said.firstStepMs === undefined) said = await child.next<Partial<FirstStep>>()
  const { firstStepMs, sinceSpawnMs = Number.NaN } = said
  await finish(child)
  return { firstStepMs, sinceSpawnMs }
}
