/** The ways in which work arrives. Each resolves when all of it has been done. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Workflow } from '@workflow/core'
import type { Completions } from './completions.ts'
import { orderOf, type Orders } from './orders.ts'

export interface Load {
  readonly workflow: Workflow<Orders>
  readonly completions: Completions
  /** Tells the runs of one load from those of another. */
  readonly prefix: string
  readonly runs: number
}

/** How many runs are in flight in a window. */
const windowSize = 1_000
/** Between two runs of an idle engine, so that each finds it asleep. */
const idleGapMs = 5

/** All at once. */
export async function burst({ workflow, completions, prefix, runs }: Load): Promise<void> {
  const done = completions.until(completions.total + runs)
  await Promise.all(Array.from({ length: runs }, (_, i) => workflow.trigger(`${prefix}-${i}`, { initialValue: orderOf(i) })))
  await done
}

/** A thousand at a time: the next starts when one has completed. */
export async function window({ workflow, completions, prefix, runs }: Load): Promise<void> {
  const goal = completions.total + runs
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let next = 0
  const start = (): void => {
    if (next >= runs) return
    const i = next++
    workflow.trigger(`${prefix}-${i}`, { initialValue: orderOf(i) }).catch(reject)
  }
  completions.onEach = (total) => {
    start()
    if (total >= goal) resolve()
  }
  for (let i = 0; i < windowSize; i++) start()
  await promise
}

/** A thousand callers, each of which triggers a run and awaits its completion before the next. */
export async function awaited({ workflow, prefix, runs }: Load): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: Math.min(windowSize, runs) }, async () => {
      while (next < runs) {
        const i = next++
        await workflow.awaitCompletion(await workflow.trigger(`${prefix}-${i}`, { initialValue: orderOf(i) }))
      }
    }),
  )
}

/** One after the other, from trigger to completion, on an engine with nothing else to do. In milliseconds, ascending. */
export async function latencies({ workflow, prefix, runs }: Omit<Load, 'completions'>): Promise<readonly number[]> {
  const measured: number[] = []
  for (let i = 0; i < runs; i++) {
    const start = performance.now()
    await workflow.awaitCompletion(await workflow.trigger(`${prefix}-${i}`, { initialValue: orderOf(i) }))
    measured.push(performance.now() - start)
    await sleep(idleGapMs)
  }
  return measured.sort((a, b) => a - b)
}
