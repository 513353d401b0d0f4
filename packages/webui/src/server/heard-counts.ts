/**
 * How many runs have ended or paused in each minute, from the changes that the server hears anyway while somebody follows them. A
 * store could answer this only by looking at every run that it has.
 */
import type { RunState } from '@workflow/core/adapter'
import type { HeardJson } from '../api/workflow-json.ts'

const minuteMs = 60_000
const minutes = 30
const kinds = { Completed: 'completed', Cancelled: 'cancelled', Paused: 'paused' } as const

type Kind = (typeof kinds)[keyof typeof kinds]
type Tally = Record<Kind, number>

export class HeardCounts {
  readonly #sinceMs: number
  readonly #tallies = new Map<number, Tally>()

  /** `sinceMs`: from when on everything is heard. */
  constructor(sinceMs: number) {
    this.#sinceMs = sinceMs
  }

  /** Counted when it is heard: clocks of engines may be apart. */
  add(state: RunState, nowMs: number): void {
    const kind = state in kinds ? kinds[state as keyof typeof kinds] : undefined
    if (kind === undefined) return
    const minute = Math.floor(nowMs / minuteMs)
    const tally = this.#tallies.get(minute) ?? { completed: 0, cancelled: 0, paused: 0 }
    tally[kind]++
    this.#tallies.set(minute, tally)
    for (const old of this.#tallies.keys()) if (old <= minute - minutes) this.#tallies.delete(old)
  }

  /** Of the last thirty minutes, or of as many as were heard; the one of `nowMs` last. */
  upTo(nowMs: number): HeardJson {
    const current = Math.floor(nowMs / minuteMs)
    const first = Math.max(current - minutes + 1, Math.min(current, Math.floor(this.#sinceMs / minuteMs)))
    const wanted = Array.from({ length: current - first + 1 }, (_, i) => this.#tallies.get(first + i))
    return {
      since: new Date(Math.max(this.#sinceMs, first * minuteMs)).toISOString(),
      completed: wanted.map((tally) => tally?.completed ?? 0),
      cancelled: wanted.map((tally) => tally?.cancelled ?? 0),
      paused: wanted.map((tally) => tally?.paused ?? 0),
    }
  }
}
