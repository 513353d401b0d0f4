/** What the process of a contender is told, and what it answers. */
import type { Facts } from './contender.ts'
import type { Rate } from './loads.ts'
import type { Faults } from './tally.ts'

export type Order =
  | { readonly do: 'burst'; readonly runs: number }
  | { readonly do: 'window'; readonly size: number; readonly seconds: number }
  | { readonly do: 'back to back'; readonly runs: number }
  | { readonly do: 'paced'; readonly perSecond: number; readonly seconds: number }
  | { readonly do: 'audit' }
  | { readonly do: 'end' }

/** Of a throughput order, with what it cost the process. */
export interface Throughput extends Rate {
  /** Runs that were completed on the whole, also after the time that the rate is of. */
  readonly allRuns: number
  /** Of all threads, for all runs. */
  readonly cpuMs: number
  /** Resident memory afterwards, following a garbage collection. */
  readonly rssBytes: number
}

export interface Audit extends Faults {
  readonly runs: number
  readonly completed: number
  /** By the contender's own storage. */
  readonly unfinished: number
}

/** What each order is answered with. */
export interface Answers {
  readonly burst: Throughput
  readonly window: Throughput
  /** Milliseconds, ascending. */
  readonly 'back to back': readonly number[]
  readonly paced: readonly number[]
  readonly audit: Audit
  readonly end: null
}

/** What the process says: first that it works, then an answer to each order. */
export type Said = { readonly ready: Facts } | { readonly answer: unknown } | { readonly failed: string }
