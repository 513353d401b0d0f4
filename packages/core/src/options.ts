/** Options of the processes that run handlers, and how those of a process, of its workflow and of the library merge. */
import type { ResolvedProcessOptions } from './engine/process-options.ts'
import { Configuration } from './errors.ts'
import type { BackOffModel, HandlerOptionsModel, TimerValue } from './model/definition.ts'
import { type Duration, durationMs } from './model/duration.ts'
import { checkedBoolean, checkedInteger, checkedMs, checkedObject, shown } from './model/option-check.ts'
import { expiryMs } from './timer-value.ts'

/**
 * How long to wait before attempt n + 1: always the same (`'5s'`), exponentially growing, or computed by a function
 * from the number of failed attempts so far, from 1, and the last error.
 */
export type BackOff = Duration | ExponentialBackOff | ((attempt: number, error: unknown) => TimerValue)

/** Waits that grow by a factor, up to a limit. */
export interface ExponentialBackOff {
  /** The wait after the first failure. */
  readonly initial: Duration
  /** @default 2 */
  readonly factor?: number
  /** @default '1m', or `initial` where that is longer */
  readonly max?: Duration
  /**
   * Spreads each wait evenly between its half and its whole, so that runs that failed together do not all come back together.
   * @default true
   */
  readonly jitter?: boolean
}

/** What every process that reads events can be told. */
export interface ProcessOptions {
  /**
   * How many handlers may run at once in this instance.
   * @default 1
   */
  readonly parallelCount?: number
  /**
   * How often to look for work in case a wake-up was missed.
   * @default '500ms'
   */
  readonly pollingFrequency?: Duration
  /** @default exponential: 1 s, doubled up to 1 min, with jitter */
  readonly errBackOff?: BackOff
  /**
   * How far behind the process may be before it is reported.
   * @default '30m', plus `consumeLag`
   */
  readonly lagAlert?: Duration
  /**
   * How old an event must be before it is handled.
   * @default '0s'
   */
  readonly consumeLag?: Duration
  /**
   * After how many failed attempts the run is paused; `Infinity` = never.
   * @default never
   */
  readonly pauseAfterErrCount?: number
}

/** What a step, a callback, a join or a connector can be told. */
export interface StepOptions extends ProcessOptions {
  /**
   * How long one attempt may take before its signal is aborted and it counts as failed; `false` = no limit.
   * @default '10m'
   */
  readonly deadline?: Duration | false
}

/** What a connector can be told. */
export interface ConnectorOptions extends StepOptions {
  /**
   * Where the connector begins in its stream when it is new: with what comes from then on, with the oldest that is there, or with
   * what was sent at or after a date. Later it goes on where it was.
   * @default 'latest'
   */
  readonly from?: 'earliest' | 'latest' | Date
}

/** What a timeout can be told. */
export interface TimeoutOptions extends StepOptions {
  /**
   * Tells the timeouts of one status apart.
   * @default 'timeout'
   */
  readonly name?: string
}

export type { ResolvedProcessOptions }

/** What holds where neither a process nor its workflow says anything. A default `lagAlert` grows by the `consumeLag` in force. */
export const libraryOptions: Required<
  Pick<StepOptions, 'parallelCount' | 'pollingFrequency' | 'lagAlert' | 'consumeLag' | 'pauseAfterErrCount' | 'deadline'>
> & {
  readonly errBackOff: Required<ExponentialBackOff>
} = Object.freeze({
  parallelCount: 1,
  pollingFrequency: '500ms',
  errBackOff: Object.freeze({ initial: '1s', factor: 2, max: '1m', jitter: true }),
  lagAlert: '30m',
  consumeLag: '0s',
  pauseAfterErrCount: Infinity,
  deadline: '10m',
})

const optionKeys: readonly string[] = [
  'parallelCount',
  'pollingFrequency',
  'errBackOff',
  'lagAlert',
  'consumeLag',
  'pauseAfterErrCount',
  'deadline',
]
const parallelCountMax = 10_000

/**
 * A checked, frozen copy of what a user gave as options. Throws `Configuration` that begins with `where`. `more` names
 * the keys that are legal here besides the common ones, and that the caller checks.
 */
export function checkedOptions(given: unknown, where: string, more: readonly string[] = []): HandlerOptionsModel {
  if (given === undefined) return Object.freeze({})
  const options = checkedObject(given, [...optionKeys, ...more], where)
  if ('parallelCount' in options) checkedInteger(options['parallelCount'], `${where}: parallelCount`, 1, parallelCountMax)
  if ('pollingFrequency' in options) checkedMs(options['pollingFrequency'], `${where}: pollingFrequency`, 1)
  if ('lagAlert' in options) checkedMs(options['lagAlert'], `${where}: lagAlert`, 1)
  if ('consumeLag' in options) checkedMs(options['consumeLag'], `${where}: consumeLag`, 0)
  if ('pauseAfterErrCount' in options && options['pauseAfterErrCount'] !== Infinity) {
    checkedInteger(options['pauseAfterErrCount'], `${where}: pauseAfterErrCount`, 1)
  }
  if ('deadline' in options && options['deadline'] !== false) checkedMs(options['deadline'], `${where}: deadline (or false for none)`, 1)
  const copy: { [key: string]: unknown } = {}
  for (const key of optionKeys) if (key in options) copy[key] = options[key]
  if ('errBackOff' in copy) copy['errBackOff'] = checkedBackOff(copy['errBackOff'], `${where}: errBackOff`)
  // The cast holds because every field that the model knows has been checked above.
  return Object.freeze(copy) as HandlerOptionsModel
}

/** Where a connector begins. Throws `Configuration` that begins with `where`. */
export function checkedFrom(given: unknown, where: string): 'earliest' | 'latest' | Date {
  const { from } = (given ?? {}) as { readonly from?: unknown }
  if (from === undefined) return 'latest'
  if (from === 'earliest' || from === 'latest') return from
  if (from instanceof Date && !Number.isNaN(from.getTime())) return new Date(from)
  throw new Configuration(`${where}: from must be 'earliest', 'latest' or a valid Date; got ${shown(from)}`)
}

/** A checked, frozen copy of a back-off policy. */
export function checkedBackOff(given: unknown, where: string): BackOffModel {
  if (typeof given === 'function') return given as BackOffModel
  if (typeof given === 'string') {
    checkedMs(given, where, 1)
    return given as Duration
  }
  if (typeof given !== 'object' || given === null) {
    throw new Configuration(
      `${where} must be a duration like '5s', { initial, factor, max, jitter }, or a function that returns after(…) or at(…); got ${shown(given)}`,
    )
  }
  const policy = checkedObject(given, ['initial', 'factor', 'max', 'jitter'], where)
  const initialMs = checkedMs(policy['initial'], `${where}.initial`, 1)
  const factor = policy['factor']
  if (factor !== undefined && !(typeof factor === 'number' && factor >= 1 && factor <= 1_000)) {
    throw new Configuration(`${where}.factor must be a number from 1 to 1000; got ${shown(factor)}`)
  }
  if ('max' in policy) checkedMs(policy['max'], `${where}.max (initial is ${initialMs} ms)`, initialMs)
  if ('jitter' in policy) checkedBoolean(policy['jitter'], `${where}.jitter`)
  return Object.freeze(policy) as unknown as BackOffModel
}

/** A policy as a function: milliseconds to wait after `attempt` failed attempts, from 1. Never throws. */
export type BackOffMs = ResolvedProcessOptions['backOffMs']

/**
 * Merges field by field: a process's own option, else its workflow's default, else the library's. All must have been
 * checked. Where a user's `errBackOff` throws or gives no timer, `report` is told why and the library's policy decides.
 */
export function resolveProcessOptions(
  library: typeof libraryOptions,
  workflowDefaults: HandlerOptionsModel,
  own: HandlerOptionsModel,
  report?: (problem: unknown) => void,
): ResolvedProcessOptions {
  const merged = { ...library, ...workflowDefaults, ...own }
  const consumeLagMs = durationMs(merged.consumeLag)
  const lagAlert = own.lagAlert ?? workflowDefaults.lagAlert
  return Object.freeze({
    parallelCount: merged.parallelCount,
    pollingFrequencyMs: durationMs(merged.pollingFrequency),
    lagAlertMs: lagAlert === undefined ? durationMs(library.lagAlert) + consumeLagMs : durationMs(lagAlert),
    consumeLagMs,
    pauseAfterErrCount: merged.pauseAfterErrCount,
    deadlineMs: merged.deadline === false ? Infinity : durationMs(merged.deadline),
    backOffMs: backOffOf(merged.errBackOff, library.errBackOff, report),
  })
}

/** A policy as a function; `fallback` decides where a user's function fails, and gives what an exponential policy leaves out. */
export function backOffOf(policy: BackOffModel, fallback: Required<ExponentialBackOff>, report?: (problem: unknown) => void): BackOffMs {
  if (typeof policy === 'string') {
    const ms = durationMs(policy)
    return () => ms
  }
  if (typeof policy !== 'function') return exponential(policy, fallback)
  const otherwise = exponential(fallback, fallback)
  return (attempt, error, nowMs, random) => {
    try {
      return Math.max(0, expiryMs(policy(attempt, error), nowMs) - nowMs)
    } catch (problem) {
      report?.(problem)
      return otherwise(attempt, error, nowMs, random)
    }
  }
}

/**
 * initial × factor^(attempt - 1), at most max; with jitter evenly between half of that and all of it.
 *
 * Source: "equal jitter" of Marc Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015. Full jitter
 * would spread a little better, but lets a retry follow its failure at once.
 */
function exponential(policy: ExponentialBackOff, fallback: Required<ExponentialBackOff>): BackOffMs {
  const initialMs = durationMs(policy.initial)
  const factor = policy.factor ?? fallback.factor
  const maxMs = Math.max(initialMs, durationMs(policy.max ?? fallback.max))
  const jitter = policy.jitter ?? fallback.jitter
  return (attempt, _error, _nowMs, random) => {
    const ms = Math.min(maxMs, initialMs * factor ** (attempt - 1))
    return jitter ? ms / 2 + (random() * ms) / 2 : ms
  }
}
