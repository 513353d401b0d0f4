/** Checks of what users configure. Every failure is a `Configuration` that says where, what was given and what would do. */
import { Configuration, isWorkflowError } from '../errors.ts'
import { type Duration, durationMs } from './duration.ts'
import { suggestion } from './nearest.ts'

/** The value as a plain object with no other keys than the known ones; keys whose value is `undefined` count as absent. */
export function checkedObject(value: unknown, known: readonly string[], where: string): { readonly [key: string]: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Configuration(`${where} must be an object with options; got ${shown(value)}`)
  }
  const given: { [key: string]: unknown } = {}
  for (const [key, entry] of Object.entries(value)) {
    if (!known.includes(key)) throw new Configuration(`${where} has no '${key}'. ${suggestion(key, known)}`)
    if (entry !== undefined) given[key] = entry
  }
  return given
}

/** Milliseconds of a duration that is at least `minMs`. `what` names the option, like `the timeout of nats`. Throws `Configuration`. */
export function checkedMs(value: unknown, what: string, minMs: number): number {
  let ms: number
  try {
    // The cast holds because durationMs itself refuses what is no duration.
    ms = durationMs(value as Duration, what)
  } catch (error) {
    if (isWorkflowError(error)) throw new Configuration(error.message, { cause: error })
    throw error
  }
  if (ms >= minMs) return ms
  throw new Configuration(`${what} must be ${minMs === 1 ? 'longer than nothing' : `at least ${minMs} ms`}; got ${shown(value)}`)
}

/** A whole number from `min` to `max`. */
export function checkedInteger(value: unknown, what: string, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value
  const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`
  throw new Configuration(`${what} must be a whole number ${range}; got ${shown(value)}`)
}

/** A switch. `what` names the option. Throws `Configuration`. */
export function checkedBoolean(value: unknown, what: string): boolean {
  if (typeof value === 'boolean') return value
  throw new Configuration(`${what} must be true or false; got ${shown(value)}`)
}

/** Something callable, whatever it takes and gives. */
export function checkedFunction<F extends (...args: never[]) => unknown>(value: unknown, what: string): F {
  // The cast holds as far as a run-time check can tell: parameters and results are the compiler's business.
  if (typeof value === 'function') return value as F
  throw new Configuration(`${what} must be a function; got ${shown(value)}`)
}

/** A value as an error message shows it: short, and never a whole object. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol') return 'a symbol'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}
