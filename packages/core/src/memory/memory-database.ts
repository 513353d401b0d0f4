import type { RunEvent } from '../model/run-event.ts'
import type { Unit } from '../model/unit.ts'
import { EventLog } from './event-log.ts'
import { MemoryOutbox } from './memory-outbox.ts'
import { RoleTable } from './role-table.ts'
import { RunTable } from './run-table.ts'
import { TimerTable } from './timer-table.ts'

/** Options of `memoryDatabase`. */
export interface MemoryDatabaseOptions {
  /**
   * How many events of a topic and slot stay for receivers that are created later, after every durable receiver has
   * acknowledged them. Events of a topic that no `ensure` has named yet all stay.
   * @default 1_000
   */
  readonly retainedEvents?: number
  /**
   * Where committed events go: straight into the streams of this database (`'streams'`), or into the outbox for a
   * streamer elsewhere (`'outbox'`), where they stay until a relay has acknowledged them.
   * @default 'streams'
   */
  readonly committedEvents?: 'streams' | 'outbox'
}

const retainedEventsDefault = 1_000

/** What several memory adapters share, as processes share a database. Give it to them; its members are theirs. */
export class MemoryDatabase {
  readonly runs: RunTable = new RunTable()
  readonly timers: TimerTable = new TimerTable()
  readonly roles: RoleTable
  readonly events: EventLog
  readonly outbox: MemoryOutbox | undefined
  /** What open transactions have written and not committed. */
  readonly locks: Set<string> = new Set()
  /** Units that left no history: the latest ones, in two generations, so that forgetting is cheap. */
  #recentUnits = new Set<string>()
  #olderUnits = new Set<string>()

  constructor(name: string, options: MemoryDatabaseOptions) {
    this.roles = new RoleTable(name)
    this.events = new EventLog(options.retainedEvents ?? retainedEventsDefault)
    this.outbox = options.committedEvents === 'outbox' ? new MemoryOutbox() : undefined
  }

  /** Hands a committed event on. */
  publish(event: RunEvent, nowMs: number): void {
    if (this.outbox !== undefined) this.outbox.append(event, nowMs)
    else for (const topic of event.topics) this.events.append(topic, event, nowMs)
  }

  /** Whether another transaction than the one that has `own` holds one of these locks. */
  isLocked(locks: readonly string[], own: ReadonlySet<string>): boolean {
    return this.locks.size > 0 && locks.some((lock) => this.locks.has(lock) && !own.has(lock))
  }

  /** Whether a unit that leaves no history was written not long ago. */
  knowsUnit(unit: Unit): boolean {
    return !leavesHistory(unit) && (this.#recentUnits.has(unit.id) || this.#olderUnits.has(unit.id))
  }

  /** Remembers a unit that leaves no history; the others need not be. */
  noteUnit(unit: Unit): void {
    if (leavesHistory(unit)) return
    this.#recentUnits.add(unit.id)
    if (this.#recentUnits.size < recentUnitsMax) return
    this.#olderUnits = this.#recentUnits
    this.#recentUnits = new Set()
  }
}

function leavesHistory(unit: Unit): boolean {
  return unit.changes !== undefined && unit.changes.length > 0
}

/** How many units that leave no history are remembered at least. */
const recentUnitsMax = 50_000

let databases = 0

/** A new, empty database in memory, for several instances of the memory adapters to share. */
export function memoryDatabase(options: MemoryDatabaseOptions = {}): MemoryDatabase {
  return new MemoryDatabase(`memory ${++databases}`, options)
}
