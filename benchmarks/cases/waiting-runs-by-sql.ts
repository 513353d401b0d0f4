/** What a process takes on a database full of runs that wait, or that nobody has worked on. These are copies, made by SQL. */
import type { Case } from '../harness/bench.ts'
import { Child } from '../harness/child.ts'
import { openDatabase } from '../harness/database.ts'
import { orderOf, orders, stepsPerRun } from '../harness/orders.ts'
import { fill, settle } from '../harness/postgres-filling.ts'
import type { PostgresPlace } from '../harness/postgres-schema.ts'
import type { Figure } from '../harness/report.ts'
import type { Drained } from '../processes/draining.ts'
import { waitingRun } from './large-table.ts'
import { rates, slots } from './stored-runs-by-sql.ts'
import { compareWithEmpty } from './waiting-runs.ts'

const windowRuns = 10_000
/** Nothing was worked off for so many looks, which come each second: it has stopped. */
const stalledLooks = 60

/** Runs that wait for a callback, each with a pending timer. */
export function waitingRunsBySql(name: string, open: () => Promise<PostgresPlace>): Case {
  return {
    name,
    runs: 1_000_000,
    measure: async ({ runs, repeats }) => {
      await using empty = await open()
      await using full = await open()
      await waitingRun(empty)
      await fill(full, { template: await waitingRun(full), copies: runs - 1, slots, seen: true })
      await settle(full)
      return await compareWithEmpty(empty, full, repeats)
    },
  }
}

/** Runs that were only triggered: how fast they are worked off, beside a window of runs, and what memory that takes. */
export function drain(name: string, open: () => Promise<PostgresPlace>): Case {
  return {
    name,
    runs: 1_000_000,
    measure: async ({ runs, repeats }) => {
      const measured: Drain[] = []
      for (let i = 0; i < repeats; i++) measured.push(await drainOnce(await open(), runs))
      const of = (metric: string, unit: string, one: (drain: Drain) => number): Figure => ({ metric, unit, values: measured.map(one) })
      return [
        of('window before', 'transitions/s', ({ window }) => window),
        of('drain', 'transitions/s', ({ perSecond }) => perSecond * stepsPerRun),
        of('drain, first tenth', 'transitions/s', ({ first }) => first * stepsPerRun),
        of('drain, last tenth', 'transitions/s', ({ last }) => last * stepsPerRun),
        of('rss, first half, most', 'MB', ({ rssFirst }) => rssFirst),
        of('rss, second half, most', 'MB', ({ rssSecond }) => rssSecond),
        of('heap, first half, most', 'MB', ({ heapFirst }) => heapFirst),
        of('heap, second half, most', 'MB', ({ heapSecond }) => heapSecond),
      ]
    },
  }
}

interface Drain {
  readonly window: number
  /** Runs. */
  readonly perSecond: number
  readonly first: number
  readonly last: number
  readonly rssFirst: number
  readonly rssSecond: number
  readonly heapFirst: number
  readonly heapSecond: number
}

async function drainOnce(opened: PostgresPlace, runs: number): Promise<Drain> {
  await using place = opened
  // The receivers must exist, so that the backlog lies before them.
  const [window = Number.NaN] = await rates(place, 'window', Math.min(windowRuns, runs), 1)
  await fill(place, { template: await triggeredRun(place), copies: runs - 1, slots, seen: false })
  await settle(place)
  await using child = new Child('draining', [place.address])
  const looks: Drained[] = [{ completed: 0, rssMegabytes: 0, heapMegabytes: 0, at: 0 }]
  for (let stalled = 0; (looks.at(-1)?.completed ?? 0) < runs; ) {
    const look = await child.next<Drained>()
    stalled = look.completed === looks.at(-1)?.completed ? stalled + 1 : 0
    if (stalled > stalledLooks) throw new Error(`it has stopped with ${look.completed} of ${runs} runs done`)
    looks.push(look)
  }
  await child.end()
  await assertAllCompleted(place)
  return { window, ...drainOf(looks, runs) }
}

/** The rates and sizes of a drain that was looked at now and then, in the order of the looks. */
export function drainOf(looks: readonly Drained[], runs: number): Omit<Drain, 'window'> {
  const begin = looks.findLast(({ completed }) => completed === 0)
  const reached = (share: number): Drained | undefined => looks.find(({ completed }) => completed >= runs * share)
  const between = (from: Drained | undefined, to: Drained | undefined): number => {
    if (from === undefined || to === undefined) return Number.NaN
    return ((to.completed - from.completed) / (to.at - from.at)) * 1_000
  }
  const half = looks.findIndex(({ completed }) => completed >= runs / 2)
  const most = (of: readonly Drained[], one: (look: Drained) => number): number => of.reduce((max, look) => Math.max(max, one(look)), 0)
  const [early, late] = [looks.slice(0, half), looks.slice(half)]
  return {
    perSecond: between(begin, reached(1)),
    first: between(begin, reached(0.1)),
    // Where it took less than a second there is but one look.
    last: between(
      looks.findLast(({ completed }) => completed < runs * 0.9),
      reached(1),
    ),
    rssFirst: most(early, ({ rssMegabytes }) => rssMegabytes),
    rssSecond: most(late, ({ rssMegabytes }) => rssMegabytes),
    heapFirst: most(early, ({ heapMegabytes }) => heapMegabytes),
    heapSecond: most(late, ({ heapMegabytes }) => heapMegabytes),
  }
}

/** A run that nobody works on. */
async function triggeredRun(place: PostgresPlace): Promise<string> {
  await using database = openDatabase(place.address)
  const client = orders.client(database)
  const runId = await client.trigger('template', { initialValue: orderOf(0) })
  await client.close()
  return runId
}

async function assertAllCompleted(place: PostgresPlace): Promise<void> {
  await using database = openDatabase(place.address)
  const states = await database.recordStore.count({ workflowName: orders.name }, 'runState')
  if (states.size !== 1 || !states.has('Completed')) throw new Error(`not all runs are completed: ${JSON.stringify([...states])}`)
}
