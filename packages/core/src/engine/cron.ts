import type { Cron } from 'croner'
import { InvalidArgument } from '../errors.ts'
import { type Duration, durationMs } from '../model/duration.ts'
import { shown } from '../model/option-check.ts'

/** The next time of a schedule after another, in milliseconds since the epoch; undefined when there is none any more. */
export type NextTime = (afterMs: number) => number | undefined

/** Anything shorter is a loop, not a schedule. */
const everyMsMin = 1_000

const macros: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/**
 * Reads a schedule: five cron fields, a macro, or `@every <duration>`, which counts from the epoch, so that every
 * instance finds the same times. Time zones and daylight saving follow croner: a time that a spring change skips fires
 * right after the gap, one that an autumn change repeats fires once. Throws `InvalidArgument`. The calendar is loaded by the
 * first schedule that needs it.
 */
export async function nextTimeOf(spec: string, timezone: string): Promise<NextTime> {
  if (typeof spec !== 'string')
    throw new InvalidArgument(`a schedule must be a cron text like '0 3 * * *', '@daily' or '@every 90s'; got ${typeof spec}`)
  const every = /^@every (.+)$/.exec(spec.trim())?.[1]
  if (every !== undefined) {
    // The cast holds because durationMs itself refuses what is no duration.
    const ms = durationMs(every as Duration, `the interval of schedule '${spec}'`)
    if (ms < everyMsMin) throw new InvalidArgument(`the interval of schedule '${spec}' must be at least one second`)
    return (afterMs) => (Math.floor(afterMs / ms) + 1) * ms
  }
  const fields = (Object.hasOwn(macros, spec.trim()) ? macros[spec.trim()] : undefined) ?? spec.trim()
  if (fields.split(/\s+/).length !== 5)
    throw new InvalidArgument(
      `schedule '${spec}' must have five fields (minute hour day month weekday), or be one of ${Object.keys(macros).join(', ')} or '@every 90s'`,
    )
  assertTimezone(spec, timezone)
  const { Cron: Calendar } = await import('croner')
  let cron: Cron
  try {
    cron = new Calendar(fields, { timezone, paused: true })
  } catch (cause) {
    throw new InvalidArgument(`schedule '${spec}' is not a cron expression: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
  const next: NextTime = (afterMs) => cron.nextRun(new Date(afterMs))?.getTime()
  if (next(0) === undefined) throw new InvalidArgument(`schedule '${spec}' never comes: no date fits it`)
  return next
}

function assertTimezone(spec: string, timezone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch (cause) {
    throw new InvalidArgument(
      `schedule '${spec}' has the time zone ${shown(timezone)}, which does not exist: use an IANA name like 'Europe/Berlin'`,
      { cause },
    )
  }
}
