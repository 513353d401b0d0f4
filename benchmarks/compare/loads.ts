/** How runs are given to a contender: all at once, so many at a time, one after the other, or so many a second. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender } from './contender.ts'
import type { Tally } from './tally.ts'

/** A contender at work, and what it has told so far. */
export interface Subject {
  readonly contender: Contender
  readonly tally: Tally
}

/** How many runs were completed in how much time. */
export interface Rate {
  readonly runs: number
  readonly wallMs: number
}

/** A timer that is this late was late for its own reasons; beyond it the process was busy, and the run had to wait. */
const timerSlackMs = 2
/** Nothing completed for so long: it has stopped. */
const stalledMs = 60_000

/** All at once; the time goes from the first to the completion of the last. */
export async function burst(subject: Subject, runs: number): Promise<Rate> {
  const { tally } = subject
  const numbers = tally.take(runs)
  const goal = tally.total + runs
  const begin = performance.now()
  hand(subject, numbers, false)
  await completions(tally, goal)
  return { runs, wallMs: performance.now() - begin }
}

/**
 * Keeps `size` runs in flight for some seconds, counted from the first completion: until then a long queue only fills. The
 * rate is that of completions within that time; then it waits for what is still in flight.
 */
export async function window(subject: Subject, size: number, seconds: number): Promise<Rate> {
  const { tally } = subject
  const before = tally.total
  let begin: { readonly at: number; readonly total: number } | undefined
  let rate: Rate | undefined
  let started = before
  let queued = false
  const refill = (): void => {
    queued = false
    const now = performance.now()
    if (tally.total > before) begin ??= { at: now, total: tally.total }
    if (begin !== undefined && now - begin.at >= seconds * 1_000) {
      rate ??= { runs: tally.total - begin.total, wallMs: now - begin.at }
      tally.onChange()
      return
    }
    const missing = size - (started - tally.total)
    if (missing <= 0) return
    started += missing
    hand(subject, tally.take(missing), false)
  }
  refill()
  await until(tally, () => {
    // Completions arrive in bunches: those of one turn of the event loop are made good together.
    if (!queued && rate === undefined) {
      queued = true
      setImmediate(refill)
    }
    return rate !== undefined && tally.total >= started
  })
  if (rate === undefined) throw new Error('the window was over before it was measured')
  return rate
}

/** One after the other, each when the one before it has completed. Latencies in milliseconds, ascending. */
export async function backToBack(subject: Subject, runs: number): Promise<readonly number[]> {
  const { tally } = subject
  const latencies: number[] = []
  for (let i = 0; i < runs; i++) {
    const numbers = tally.take(1)
    const goal = tally.total + 1
    const begin = performance.now()
    hand(subject, numbers, true)
    await completions(tally, goal)
    latencies.push(performance.now() - begin)
  }
  return latencies.sort((a, b) => a - b)
}

/**
 * So many a second, whether or not earlier ones have completed. A run's latency counts from when it was due: what had to wait
 * because the process was busy has waited.
 */
export async function paced(subject: Subject, perSecond: number, seconds: number): Promise<readonly number[]> {
  const { tally } = subject
  const latencies: number[] = []
  const runs = Math.max(1, Math.round(perSecond * seconds))
  const goal = tally.total + runs
  const begin = performance.now()
  for (let started = 0; started < runs; ) {
    const now = performance.now()
    const due = Math.min(runs, dueBy(now - begin, perSecond))
    if (due > started) {
      const numbers = tally.take(due - started)
      for (const n of numbers) {
        const from = startOf(begin + (started++ * 1_000) / perSecond, now)
        tally.onCompleted(n, () => latencies.push(performance.now() - from))
      }
      hand(subject, numbers, true)
    }
    if (tally.error !== undefined) throw tally.error
    if (started < runs) await sleep(Math.max(1, begin + (started * 1_000) / perSecond - performance.now()))
  }
  await completions(tally, goal)
  return latencies.sort((a, b) => a - b)
}

/** How many runs are due after so long: the first at once. */
export function dueBy(elapsedMs: number, perSecond: number): number {
  return Math.floor((elapsedMs * perSecond) / 1_000) + 1
}

/** From when a run counts that was due at one moment and started at another. */
export function startOf(dueMs: number, nowMs: number): number {
  return nowMs - dueMs <= timerSlackMs ? nowMs : dueMs
}

/** Hands runs over. That they cannot be is for the tally to tell. */
function hand({ contender, tally }: Subject, runs: readonly number[], named: boolean): void {
  contender.start(runs, named).catch((error: unknown) => tally.failed(error))
}

/** Resolves when so many runs have completed since the beginning. */
function completions(tally: Tally, goal: number): Promise<void> {
  return until(tally, () => tally.total >= goal)
}

/** Asks at each completion whether it is over. Rejects at a failure, and when nothing moves any more. */
async function until(tally: Tally, over: () => boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let seen = tally.total
  const watch = setInterval(() => {
    if (tally.total === seen) reject(new Error(`nothing completed for ${stalledMs / 1_000} s, and ${tally.runs - seen} runs are left`))
    seen = tally.total
  }, stalledMs)
  tally.onChange = () => {
    if (tally.error !== undefined) reject(tally.error)
    else if (over()) resolve()
  }
  tally.onChange()
  try {
    await promise
  } finally {
    clearInterval(watch)
    tally.onChange = () => undefined
  }
}
