/** Timers as an engine would set them. */
import type { Timer, TimerKey, TimerOp } from '@workflow/core/adapter'
import { newId, workflowName } from './runs.ts'

/** The instant that timers of cases are set around. */
export const noon: Date = new Date(Date.UTC(2026, 0, 1, 12))

/** So many milliseconds after noon. */
export function afterNoon(ms: number): Date {
  return new Date(noon.getTime() + ms)
}

/** A key that no other case uses, unless it says which owner. */
export function newKey(fields: Partial<TimerKey> = {}): TimerKey {
  return { kind: 'timeout', owner: newId('owner'), epoch: 1, name: 'expired', ...fields }
}

/** A timer that is due at noon. */
export function newTimer(fields: Partial<Omit<Timer, 'key'>> & { readonly key?: Partial<TimerKey> } = {}): Timer {
  const { key, ...rest } = fields
  return { workflowName, slot: 0, at: noon, held: false, attempt: 0, ...rest, key: newKey(key) }
}

/** Opens each of them, in this order. */
export function puts(timers: readonly Timer[]): readonly TimerOp[] {
  return timers.map((put) => ({ put }))
}
