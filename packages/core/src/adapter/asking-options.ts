/** Options of whatever shows at intervals what workflows are at: they are the same for all of them. */
import { consoleLogger } from '../system/console-logger.ts'
import type { Duration } from '../model/duration.ts'
import { checkedBoolean, checkedMs } from '../model/option-check.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import { systemClock } from '../system/system-clock.ts'
import type { ObservedAsking } from './observed-workflows.ts'

/** How workflows are asked at each collection, or scrape. */
export interface AskingOptions {
  /**
   * Whether the streamer is asked how far receivers are behind, and the store how many runs there are. Where many instances
   * report, some may leave it to the others.
   * @default true
   */
  readonly queries?: boolean
  /** How long the answers are used again; one that took long is used for twenty times as long as it took. `'0s'`: asks every time. @default '5s' */
  readonly cache?: Duration
  /** How long a collection waits for the answers, which is less than its own limit. What is late is left out, and counted. @default '2s' */
  readonly timeout?: Duration
  /** Is told when answers begin to be missing, and why. @default consoleLogger() */
  readonly logger?: Logger
  /** For tests. @default systemClock */
  readonly clock?: Clock
}

/** The names of `AskingOptions`. */
export const askingOptions: readonly (keyof AskingOptions)[] = ['queries', 'cache', 'timeout', 'logger', 'clock']

/** Checked and with defaults. `owner` names the adapter in the message of a `Configuration`, which it throws. */
export function askingOf(options: AskingOptions, owner: string): ObservedAsking {
  return Object.freeze({
    queries: checkedBoolean(options.queries ?? true, `the queries of ${owner}`),
    keepMs: checkedMs(options.cache ?? '5s', `the cache of ${owner}`, 0),
    timeoutMs: checkedMs(options.timeout ?? '2s', `the timeout of ${owner}`, 1),
    logger: options.logger ?? consoleLogger(),
    clock: options.clock ?? systemClock,
  })
}
