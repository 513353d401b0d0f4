/** Assertions that name the promise, so that a red case reads as a sentence about the adapter. No test runner needed. */
import { isWorkflowError, type ErrorCode, type WorkflowError } from '@workflow/core/adapter'
import { PromiseBroken } from './promise-broken.ts'

/** How much of a value a message shows. */
const shownMax = 600

/** Throws unless `condition` holds. `seen` says what was found instead. */
export function checkThat(condition: boolean, promise: string, seen = 'it did not hold'): asserts condition {
  if (!condition) throw new PromiseBroken(promise, seen)
}

/**
 * Throws unless both values say the same: bytes by content, dates by instant, maps by entries, an absent field like one
 * that is `undefined`.
 */
export function checkEqual(actual: unknown, expected: unknown, promise: string): void {
  const [a, e] = [text(actual), text(expected)]
  if (a === e) return
  throw new PromiseBroken(promise, `expected ${shown(e, firstDifference(a, e))}, got ${shown(a, firstDifference(a, e))}`)
}

/** Throws unless the promise rejects with a `WorkflowError` of `code`, which it returns. */
export async function checkRejects(
  work: Promise<unknown> | (() => Promise<unknown>),
  code: ErrorCode,
  promise: string,
): Promise<WorkflowError> {
  let answer: unknown
  try {
    answer = await (typeof work === 'function' ? work() : work)
  } catch (error) {
    if (isWorkflowError(error, code)) return error
    throw new PromiseBroken(promise, `expected ${code}, got the error ${String(error)}`, { cause: error })
  }
  throw new PromiseBroken(promise, `expected ${code}, but it answered ${shown(text(answer), 0)}`)
}

/** Throws unless the promise rejects with exactly `reason`. */
export async function checkRejectsWith(work: Promise<unknown>, reason: unknown, promise: string): Promise<void> {
  let answer: unknown
  try {
    answer = await work
  } catch (error) {
    if (error === reason) return
    throw new PromiseBroken(promise, `expected the signal's reason, got ${String(error)}`, { cause: error })
  }
  throw new PromiseBroken(promise, `expected the signal's reason, but it answered ${shown(text(answer), 0)}`)
}

/** Throws if `value` is undefined; returns it otherwise. */
export function checkPresent<T>(value: T | undefined, promise: string): T {
  if (value === undefined) throw new PromiseBroken(promise, 'there was nothing')
  return value
}

function shown(value: string, from: number): string {
  const start = value.length <= shownMax ? 0 : Math.max(0, from - 60)
  return `${start > 0 ? '…' : ''}${value.slice(start, start + shownMax)}${value.length > start + shownMax ? '…' : ''}`
}

function firstDifference(a: string, b: string): number {
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  return at
}

/** One text per value: fields in alphabetical order, without the undefined ones. */
function text(value: unknown): string {
  if (value === undefined) return 'undefined'
  if (typeof value === 'bigint') return `${value}n`
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? String(value)
  if (value instanceof Uint8Array)
    return `bytes(${value.length}) ${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1')}`
  if (value instanceof Date) return `date ${Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString()}`
  if (value instanceof Map)
    return `map {${[...value]
      .map(([key, entry]) => `${text(key)}: ${text(entry)}`)
      .sort()
      .join(', ')}}`
  if (value instanceof Set) return `set {${[...value].map(text).toSorted().join(', ')}}`
  if (Array.isArray(value)) return `[${value.map(text).join(', ')}]`
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}: ${text(field)}`).join(', ')}}`
}
