import type { Payload } from './payload.ts'

/** What makes a timer itself. Two timers with equal keys are the same timer. */
export interface TimerKey {
  readonly kind: 'timeout' | 'retry' | 'resume' | 'schedule'
  /** A run id, or the name of a schedule. */
  readonly owner: string
  /** For a run's timers the version at entry into the status (`timeout`) or the version (`retry`, `resume`); for a schedule 0. */
  readonly epoch: number
  readonly name: string
}

/** Something that is due at a time. */
export interface Timer {
  readonly key: TimerKey
  readonly workflowName: string
  readonly slot: number
  /** Kept to the millisecond. */
  readonly at: Date
  /** A held timer is never due. It keeps its time, and is due at once if that has passed when it is released. */
  readonly held: boolean
  /** Failed attempts so far, from 0. */
  readonly attempt: number
  readonly data?: Payload
}

/** A timer as `list` reports it. */
export interface StoredTimer extends Timer {
  readonly status: 'open' | 'completed' | 'cancelled'
}

/** A change to timers. Operations of one call apply in order. */
export type TimerOp =
  /** Opens a timer. A key that is already known, settled ones included, is left exactly as it is. */
  | { readonly put: Timer }
  /** Ends an open timer; an unknown or settled one is left alone. */
  | { readonly settle: TimerKey; readonly as: 'completed' | 'cancelled' }
  /** Gives an open timer another time, and other data if there is some; an unknown or settled one is left alone. */
  | { readonly move: TimerKey; readonly at: Date; readonly attempt: number; readonly data?: Payload }
  /** Holds, releases or cancels all open timers of an owner at this point of the sequence. */
  | { readonly hold: string }
  | { readonly release: string }
  | { readonly cancelOwner: string }

/**
 * When the first of the timers that operations put or move comes due, in milliseconds since the epoch: Infinity if they make
 * nothing due, -Infinity if nobody knows, because they release what was held.
 */
export function soonestOf(ops: readonly TimerOp[]): number {
  let soonest = Infinity
  for (const op of ops) {
    if ('put' in op) soonest = op.put.held ? soonest : Math.min(soonest, op.put.at.getTime())
    else if ('move' in op) soonest = Math.min(soonest, op.at.getTime())
    else if ('release' in op) return -Infinity
  }
  return soonest
}

/** One text per key, injective: `retry/<owner>/<epoch>/<name>` with `%` and `/` escaped in owner and name. */
export function timerId(key: TimerKey): string {
  return `${key.kind}/${escapePart(key.owner)}/${key.epoch}/${escapePart(key.name)}`
}

function escapePart(part: string): string {
  return part.includes('%') || part.includes('/') ? part.replaceAll('%', '%25').replaceAll('/', '%2F') : part
}
