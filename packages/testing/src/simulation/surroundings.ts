import type { MemoryDatabase } from '@workflow/core/memory'
import type { RecordStore } from '@workflow/core/adapter'
import type { Dice } from './dice.ts'
import type { Fault, FaultPlan } from './fault.ts'
import type { Oracle } from './oracle.ts'
import type { SimProcess } from './sim-process.ts'
import type { Timeline } from './timeline.ts'

/** What all processes of a simulation have in common. */
export interface Surroundings {
  readonly timeline: Timeline
  readonly dice: Dice
  readonly faults: FaultPlan
  readonly oracle: Oracle
  readonly database: MemoryDatabase
  /** Who has which role: another table, of another domain, once the lease store has lost its data. */
  readonly roles: MemoryDatabase['roles']
  /** Tokens of the roles' domain are greater than this: a lease store that has lived long has given out many. */
  readonly tokensFrom: bigint
  /** The store itself, without anything between. */
  readonly store: RecordStore<Transaction>
  readonly slots: number
  readonly leaseMs: number
  /** Whether every timer that changes wakes every process. */
  readonly toldOfAll: boolean
  /** The servers' clock, which all data share. */
  readonly serverNow: () => number
  readonly serverMonotonic: () => number
  readonly processes: readonly SimProcess[]
  readonly isDown: (side: 'store' | 'stream' | 'roles') => boolean
  readonly kill: (process: SimProcess, fault: Fault) => void
  /** A line of the trace; made only when somebody wants it. */
  readonly trace: (line: () => string) => void
}

/** What a transactional step writes to. */
export interface Transaction {
  readonly rows: string[]
}
