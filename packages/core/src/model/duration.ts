import { InvalidArgument } from '../errors.ts'

/** A length of time: `'500ms'`, `'90s'`, `'1.5h'`, `'30d'`. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
/** A hundred years: beyond it a duration is a mistake, and dates stay representable. */
const durationMsMax = 100 * 365 * 86_400_000

/** Milliseconds of a duration, rounded up to whole ones. Throws `InvalidArgument` for what is no duration, negative or over 100 years. */
export function durationMs(duration: Duration, what = 'a duration'): number {
  const match = typeof duration === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration) : null
  const factor = unitMs[match?.[2] ?? '']
  const amount = Number(match?.[1])
  if (factor === undefined || !Number.isFinite(amount) || amount * factor > durationMsMax) {
    throw new InvalidArgument(
      `${what} must be a number with a unit, like '500ms', '90s', '1.5h' or '30d', at most 100 years; got ${typeof duration === 'string' ? JSON.stringify(duration.slice(0, 60)) : typeof duration}`,
    )
  }
  return Math.ceil(amount * factor)
}
