import { Cron } from 'croner'
import { InvalidArgument } from './errors.ts'
import { type Duration, durationMs } from './model/duration.ts'
import { shown } from './option-check.ts'

/** Five cron fields, a macro, or a fixed interval. `parseCron` makes one of a text that is known only at run time. */
export type CronSpec =
  | `${string} ${string} ${string} ${string} ${string}`
  | `@${'yearly' | 'monthly' | 'weekly' | 'daily' | 'hourly'}`
  | `@every ${Duration}`

const macros: readonly string[] = ['@yearly', '@monthly', '@weekly', '@daily', '@hourly']
/** Anything shorter is a loop, not a schedule. */
const everyMsMin = 1_000

/**
 * Checks a text and gives it back as a `CronSpec`, with single spaces between the fields. Throws `InvalidArgument` for
 * one that no schedule can have: a wrong number of fields, values out of range, an unknown macro, a date that never comes.
 */
export function parseCron(text: string): CronSpec {
  const spec = typeof text === 'string' ? text.trim().replace(/\s+/g, ' ') : ''
  if (spec.startsWith('@every ')) {
    // The cast holds because durationMs itself refuses what is no duration.
    if (durationMs(spec.slice('@every '.length) as Duration, `the interval of ${shown(text)}`) < everyMsMin) {
      throw new InvalidArgument(`the interval of ${shown(text)} must be at least one second`)
    }
    return spec as CronSpec
  }
  if (macros.includes(spec)) return spec as CronSpec
  if (spec.split(' ').length !== 5 || spec.startsWith('@')) {
    throw new InvalidArgument(`${shown(text)} is no schedule: use five fields (minute hour day month weekday), one of ${macros.join(' ')}, or '@every 90s'`)
  }
  assertFires(spec)
  return spec as CronSpec
}

function assertFires(spec: string): void {
  let next: Date | null
  try {
    next = new Cron(spec, { paused: true, timezone: 'UTC' }).nextRun(new Date(0))
  } catch (error) {
    throw new InvalidArgument(`${shown(spec)} is no schedule: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  if (next === null) throw new InvalidArgument(`${shown(spec)} would never fire: no such date exists`)
}
