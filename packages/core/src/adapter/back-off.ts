import type { Random } from '../ports/random.ts'

/** How long the waits of a `BackOff` are. */
export interface BackOffOptions {
  /** The longest first wait, in milliseconds. @default 100 */
  readonly firstMs?: number
  /** No wait is longer than this, in milliseconds. @default 10_000 */
  readonly maxMs?: number
}

/**
 * How long to wait before trying again: doubles with each attempt up to a bound, of which the upper half is left to
 * chance, so that those who failed together do not come back together.
 *
 * @param attempt How many attempts have failed, from 1.
 */
export function backOffMs(attempt: number, random: Random, options: BackOffOptions = {}): number {
  const firstMs = options.firstMs ?? 100
  const maxMs = options.maxMs ?? 10_000
  const boundMs = Math.min(maxMs, firstMs * 2 ** Math.max(0, attempt - 1))
  return boundMs / 2 + (boundMs / 2) * random()
}
