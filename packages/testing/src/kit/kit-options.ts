/** How a kit is made, and what its engine is given where a test says nothing. */
import type { Duration, StepOptions, WorkerInfrastructure } from '@workflow/core'
import type { VirtualClock } from '../virtual-clock.ts'

const own = 'a kit has one of its own, in memory, so that tests cannot disturb each other'
const needless = 'a kit is one instance in virtual time, which needs none'

/** What the kit decides itself, or is told by options of its own. */
export type Decided =
  | 'recordStore'
  | 'eventStreamer'
  | 'timeoutStore'
  | 'roleScheduler'
  | 'connectors'
  | 'clock'
  | 'random'
  | 'instance'
  | 'slots'
  | 'outbox'
  | 'sweepFrequency'
  | 'awaitPollingFrequency'

/** Why the kit decides it. */
export const decided: { readonly [Name in Decided]: string } = {
  recordStore: own,
  eventStreamer: own,
  timeoutStore: own,
  roleScheduler: own,
  connectors: 'each connector has a stream of the kit: kit.publish(name, …)',
  clock: 'it is an option of testKit itself',
  random: 'give testKit a seed instead',
  instance: needless,
  slots: needless,
  outbox: needless,
  sweepFrequency: needless,
  awaitPollingFrequency: needless,
}

/** How a kit differs from the usual one. */
export interface TestKitOptions<Tx = unknown> {
  /** A kit whose time and database this one shares: for workflows that start or call each other. @default none */
  readonly beside?: { readonly clock: VirtualClock }
  /** When the kit's time begins. @default 2026-01-01, 00:00 UTC */
  readonly start?: Date
  /** A clock that your definition has already; its time is the kit's. @default a new one */
  readonly clock?: VirtualClock
  /** Decides ids and the jitter of retries. @default 1 */
  readonly seed?: number
  /**
   * How long one wait may take in real time, just under what test runners allow; while things go on happening, in processor
   * time.
   * @default '4s'
   */
  readonly patience?: Duration
  /** After how many failures in a row of one handler for one run a wait for that run gives up. @default 25 */
  readonly attemptsMax?: number
  /** Makes what transactional steps are handed; needed where the definition has them. @default none */
  readonly transaction?: () => Tx
  /** What else `build` would be given, e.g. `defaults` or `codec`. Logs go to `kit.logs` unless there is a `logger`. */
  readonly infrastructure?: Partial<Omit<WorkerInfrastructure<Tx>, Decided>>
  /** A folder where path coverage is written when the kit stops; `false` = nowhere. @default the environment's WORKFLOW_COVERAGE */
  readonly coverage?: string | false
}

/** Every option. */
export const optionNames: readonly string[] = Object.keys({
  beside: true,
  start: true,
  clock: true,
  seed: true,
  patience: true,
  attemptsMax: true,
  transaction: true,
  infrastructure: true,
  coverage: true,
} satisfies { readonly [Name in keyof Required<TestKitOptions>]: true })

/**
 * The engine's nets (renewing leases, sweeping, awaits that look for themselves) would make virtual time stop at each of
 * them: in memory, in one process, none is needed, so all are set so far away that no test gets there. Timers are polled
 * only while some are due.
 */
export const never: Duration = '36500d'
export const defaultsCalm: StepOptions = { pollingFrequency: '1m', lagAlert: never }
export const patienceDefault: Duration = '4s'
export const attemptsMaxDefault = 25
