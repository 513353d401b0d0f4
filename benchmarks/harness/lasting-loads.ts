/** Loads that last for a given time. What they keep in memory does not grow with it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { dueBy, startOf } from '../compare/loads.ts'
import { Histogram } from './histogram.ts'
import type { Load } from './loads.ts'
import { orderOf } from './orders.ts'

export type LastingLoad = Omit<Load, 'runs'>

/** How many runs are in flight. */
const windowSize = 1_000
/** A rate is taken of each stretch of so long. */
const stretchSeconds = 10
const lookEveryMs = 20

/** What was completed in how much time. */
export interface Stretch {
  readonly runs: number
  readonly wallMs: number
}

/**
 * Keeps runs in flight for so many seconds: the next starts when one has completed. Answers with each stretch of ten
 * seconds, or of less where it does not last as long, and waits for what is still in flight.
 */
export async function lastingWindow({ workflow, completions, prefix }: LastingLoad, seconds: number): Promise<readonly Stretch[]> {
  const { promise: failure, reject } = Promise.withResolvers<never>()
  // Heard only by whoever waits at that moment.
  failure.catch(() => undefined)
  const before = completions.total
  let begun = 0
  let over = false
  const begin = (): void => {
    if (over) return
    const i = begun++
    workflow.trigger(`${prefix}-${i}`, { initialValue: orderOf(i) }).catch(reject)
  }
  completions.onEach = begin
  for (let i = 0; i < windowSize; i++) begin()
  const stretches: Stretch[] = []
  for (let left = seconds; left > 0; left -= stretchSeconds) {
    const [total, start] = [completions.total, performance.now()]
    await Promise.race([sleep(Math.min(left, stretchSeconds) * 1_000), failure])
    // Nothing at all says no more than that it takes longer.
    while (completions.total === total) await Promise.race([sleep(lookEveryMs), failure])
    stretches.push({ runs: completions.total - total, wallMs: performance.now() - start })
  }
  over = true
  await Promise.race([completions.until(before + begun), failure])
  return stretches
}

/**
 * So many runs a second, whether or not earlier ones have completed. A latency goes from when a run was due to the answer of
 * `awaitCompletion`.
 */
export async function pacedFor({ workflow, prefix }: LastingLoad, perSecond: number, seconds: number): Promise<Histogram> {
  const { promise: over, resolve, reject } = Promise.withResolvers<void>()
  // Heard only at the end.
  over.catch(() => undefined)
  const latencies = new Histogram()
  const runs = Math.max(1, Math.round(perSecond * seconds))
  const once = async (i: number, from: number): Promise<void> => {
    await workflow.awaitCompletion(await workflow.trigger(`${prefix}-${i}`, { initialValue: orderOf(i) }))
    latencies.add(performance.now() - from)
    if (latencies.total === runs) resolve()
  }
  const begin = performance.now()
  for (let started = 0; started < runs; ) {
    const now = performance.now()
    for (const due = Math.min(runs, dueBy(now - begin, perSecond)); started < due; started++)
      once(started, startOf(begin + (started * 1_000) / perSecond, now)).catch(reject)
    if (started < runs) await sleep(Math.max(1, begin + (started * 1_000) / perSecond - performance.now()))
  }
  await over
  return latencies
}
