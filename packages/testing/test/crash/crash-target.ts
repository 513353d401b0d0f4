/** What is crashed: a database that several processes share. The cycles know nothing else of it. */
import type { ClientInfrastructure, WorkerInfrastructure } from '@workflow/core'
import type { TimeoutStore } from '@workflow/core/adapter'

/** All ports on the database, as `sqlite()` and the like answer them. */
export interface CrashPorts extends Pick<WorkerInfrastructure, 'recordStore' | 'eventStreamer' | 'roleScheduler'> {
  readonly timeoutStore: TimeoutStore
  readonly close: () => Promise<void>
}

/** A worker that lives. */
export interface LivingWorker {
  readonly pid: number
  /** Its place among those that live at the same time, from 0. A successor has the same. */
  readonly place: number
  /** Writes a line to its standard input. */
  readonly tell: (line: string) => void
}

export interface CrashTarget {
  /** Opens the database for the process of the test. */
  readonly open: () => CrashPorts
  /** More options of the test's client. */
  readonly client?: Pick<ClientInfrastructure, 'storeTimeout' | 'logger'>
  /** The program of a worker, which calls `runWorker`. Ledger and seed are its first two arguments, these follow. */
  readonly program: URL
  readonly argumentsOf: (place: number) => readonly string[]
  /** Other misfortunes than the death of a worker. Resolves when it is over, to what it was. */
  readonly strike?: (alive: readonly LivingWorker[], random: () => number) => Promise<string>
  /** What is wrong with the database itself, at the end. */
  readonly faults: () => Promise<readonly string[]>
}
