/**
 * Runs created per minute, as far back as the newest runs tell: counting them would have a store look at every run that it has.
 * Each look goes through what has come since the look before; where that is too much, what is known begins anew with it.
 */
import type { AnySnapshot } from '@workflow/core'
import type { WatchedWorkflow } from './watched-workflow.ts'

const minuteMs = 60_000
const minutes = 30
const pageMax = 1_000
/** Of a look that may end soon. */
const pageMin = 100

export class CreatedCounts {
  readonly #workflow: WatchedWorkflow
  readonly #lookedAtMax: number
  #counts = new Map<number, number>()
  /** The first minute of which every run is counted. */
  #knownFrom = Number.POSITIVE_INFINITY
  #newest: string | undefined
  #looking: Promise<unknown> = Promise.resolve()

  /** `lookedAtMax`: so many runs are looked at in one go. */
  constructor(workflow: WatchedWorkflow, lookedAtMax: number = 2_000) {
    this.#workflow = workflow
    this.#lookedAtMax = lookedAtMax
  }

  /** Of the last thirty minutes, or of as many as are known; the one of `nowMs` last. */
  async upTo(nowMs: number): Promise<number[]> {
    const look = this.#looking.then(() => this.#look(nowMs))
    this.#looking = look.catch(() => undefined)
    return await look
  }

  async #look(nowMs: number): Promise<number[]> {
    const current = Math.floor(nowMs / minuteMs)
    const first = current - minutes + 1
    const { runs, end } = await this.#since(first)
    const fresh = new Map<number, number>()
    for (const run of runs) {
      // Clocks are a little apart.
      const minute = Math.min(minuteOf(run), current)
      fresh.set(minute, (fresh.get(minute) ?? 0) + 1)
    }
    if (end === 'known') for (const [minute, count] of fresh) this.#counts.set(minute, (this.#counts.get(minute) ?? 0) + count)
    else {
      this.#counts = fresh
      const oldest = runs.at(-1)
      this.#knownFrom = end === 'all' || oldest === undefined ? first : minuteOf(oldest) + 1
    }
    this.#newest = runs[0]?.runId ?? this.#newest
    for (const minute of this.#counts.keys()) if (minute < first) this.#counts.delete(minute)
    const from = Math.max(first, this.#knownFrom)
    return Array.from({ length: Math.max(0, current - from + 1) }, (_, i) => this.#counts.get(from + i) ?? 0)
  }

  /** The newest runs, newest first: up to the newest of the look before, or all of these minutes, or as many as may be looked at. */
  async #since(first: number): Promise<{ readonly runs: readonly AnySnapshot[]; readonly end: 'known' | 'all' | 'limit' }> {
    const runs: AnySnapshot[] = []
    let cursor: string | undefined
    for (let limit = this.#newest === undefined ? pageMax : pageMin; runs.length < this.#lookedAtMax; limit = pageMax) {
      const query = { limit: Math.min(limit, this.#lookedAtMax - runs.length), ...(cursor === undefined ? undefined : { cursor }) }
      const page = await this.#workflow.ask((it) => it.list(query))
      for (const run of page.items) {
        if (run.runId === this.#newest) return { runs, end: 'known' }
        if (minuteOf(run) < first) return { runs, end: 'all' }
        runs.push(run)
      }
      if (page.cursor === undefined) return { runs, end: 'all' }
      cursor = page.cursor
    }
    return { runs, end: 'limit' }
  }
}

function minuteOf({ createdAt }: AnySnapshot): number {
  return Math.floor(createdAt.getTime() / minuteMs)
}
