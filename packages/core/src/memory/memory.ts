import { systemClock } from '../system/system-clock.ts'
import type { Duration } from '../model/duration.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventStreamer } from '../ports/event-streamer.ts'
import type { RecordStore } from '../ports/record-store.ts'
import type { RoleScheduler } from '../ports/role-scheduler.ts'
import type { TimeoutStore } from '../ports/timeout-store.ts'
import { memoryDatabase, type MemoryDatabase } from './memory-database.ts'
import { memoryEventStreamer } from './memory-event-streamer.ts'
import { openRecordStore } from './memory-record-store.ts'
import { openRoleScheduler } from './memory-role-scheduler.ts'

/** Options of `memory`. */
export interface MemoryOptions<Tx = unknown> {
  /** Share it between calls to have several instances, as several processes have one database. @default a new, empty one */
  readonly database?: MemoryDatabase
  /** How this instance is called in leases. @default 'memory instance' and a number */
  readonly instance?: string
  /** Instances on one database must share it. @default systemClock */
  readonly clock?: Clock
  /** How long the roles of an instance that died stay with it. @default '3s' */
  readonly leaseDuration?: Duration
  /** Makes what transactional steps are handed. @default no transactions */
  readonly transaction?: () => Tx
}

/** Every port of one instance. */
export interface MemoryInfrastructure<Tx = unknown> {
  readonly recordStore: RecordStore<Tx>
  readonly eventStreamer: EventStreamer
  readonly timeoutStore: TimeoutStore
  readonly roleScheduler: RoleScheduler
  /**
   * Ends this instance like `kill -9`, for tests: it writes nothing any more, open transactions roll back, its roles
   * stay taken until their leases expire. What waits, and whatever is called later, rejects with `Stopped`.
   */
  readonly kill: () => void
}

/** All four ports in this process's memory: for trying things out, for tests, and for reading how adapters work. */
export function memory<Tx = unknown>(options: MemoryOptions<Tx> = {}): MemoryInfrastructure<NoInfer<Tx>> {
  // `NoInfer`, or a call without `transaction` would take the type of whatever it is handed to.
  const { transaction, leaseDuration, instance, clock = systemClock, database = memoryDatabase() } = options
  const records = openRecordStore<Tx>({ database, clock, ...(transaction === undefined ? {} : { transaction }) })
  const roles = openRoleScheduler({
    database,
    clock,
    ...(instance === undefined ? {} : { instance }),
    ...(leaseDuration === undefined ? {} : { leaseDuration }),
  })
  const recordStore = records.port
  const eventStreamer = memoryEventStreamer({ database, clock, source: recordStore })
  return {
    recordStore,
    eventStreamer,
    timeoutStore: recordStore.timers,
    roleScheduler: roles.port,
    kill: () => {
      roles.kill()
      records.kill()
      void eventStreamer.close()
    },
  }
}
