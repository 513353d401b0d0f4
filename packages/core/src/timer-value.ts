import { InvalidArgument } from './errors.ts'
import type { TimerValue } from './model/definition.ts'
import { type Duration, durationMs } from './model/duration.ts'
import { shown } from './model/option-check.ts'

export type { TimerValue }

/** A timer that expires a while after the entry into its status; as a back-off, after the failure. Throws `InvalidArgument` for what is no duration. */
export function after(duration: Duration): TimerValue {
  durationMs(duration, 'after(…)')
  return Object.freeze({ '~timer': duration })
}

/** A timer that expires at a date; a past one at once. Throws `InvalidArgument` for what is no date. */
export function at(date: Date): TimerValue {
  if (!isDate(date)) throw new InvalidArgument(`at(…) takes a valid Date; got ${shown(date)}`)
  // Dates are mutable: the timer keeps its own.
  return Object.freeze({ '~timer': new Date(date.getTime()) })
}

/**
 * When a timer expires, in milliseconds since the epoch, for one that starts at `baseMs`. Throws `InvalidArgument` for
 * anything that `after` and `at` have not made.
 */
export function expiryMs(timer: unknown, baseMs: number): number {
  const value = typeof timer === 'object' && timer !== null ? (timer as { readonly '~timer'?: unknown })['~timer'] : undefined
  if (isDate(value)) return value.getTime()
  // The cast holds because durationMs itself refuses what is no duration.
  if (typeof value === 'string') return baseMs + durationMs(value as Duration, 'a timer')
  throw new InvalidArgument(`a timer is made with after('1h') or at(date); got ${shown(timer)}`)
}

/** Whether a value is a fixed timer. */
export function isTimerValue(value: unknown): value is TimerValue {
  if (typeof value !== 'object' || value === null) return false
  const held = (value as { readonly '~timer'?: unknown })['~timer']
  return isDate(held) || typeof held === 'string'
}

function isDate(value: unknown): value is Date {
  return value instanceof Date && !Number.isNaN(value.getTime())
}
