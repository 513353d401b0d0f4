import { InvalidArgument } from './errors.ts'
import { type Duration, durationMs } from './model/duration.ts'
import { shown } from './model/option-check.ts'

/** Five cron fields, a macro, or a fixed interval. `parseCron` makes one of a text that is known only at run time. */
export type CronSpec =
  | `${string} ${string} ${string} ${string} ${string}`
  | `@${'yearly' | 'monthly' | 'weekly' | 'daily' | 'hourly'}`
  | `@every ${Duration}`

const macros: readonly string[] = ['@yearly', '@monthly', '@weekly', '@daily', '@hourly']
/** Anything shorter is a loop, not a schedule. */
const everyMsMin = 1_000

/**
 * Checks the shape of a text and gives it back as a `CronSpec`, with single spaces between the fields. Throws
 * `InvalidArgument` for a wrong number of fields, characters that no field has, and unknown macros. Whether the fields
 * are in range and a date ever fits them is for `schedule()` to say, which has the calendar.
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
  if (!/^[\d*,/A-Za-z?#-]+( [\d*,/A-Za-z?#-]+){4}$/.test(spec)) {
    throw new InvalidArgument(
      `${shown(text)} is no schedule: use five fields (minute hour day month weekday), one of ${macros.join(' ')}, or '@every 90s'`,
    )
  }
  return spec as CronSpec
}
