/** Harnesses of the memory adapters, on virtual time, with what they cannot do themselves wrapped around them. */
import { memory, memoryDatabase } from '@workflow/core/memory'
import type { Clock, Connector, EventStreamer, RecordStore, RoleScheduler } from '@workflow/core/adapter'
import {
  virtualTime,
  type ConnectorHarness,
  type EventStreamerHarness,
  type Instance,
  type RecordStoreHarness,
  type RoleSchedulerHarness,
  type TimeoutStoreHarness,
  type VirtualTime,
} from '../src/conformance/index.ts'
import { memoryConnector } from '../src/memory-connector.ts'
import { heldTransaction } from './held-transaction.ts'
import { lockableStore, RowLocks } from './lockable-store.ts'
import { lossyStreamer, LostEvents, rememberingStore } from './lossy-streamer.ts'

/** How much the everyday form of the cases about many uses. */
const sizes = { timers: 20_000, roles: 1_000, events: 2_000 }

interface Shared {
  readonly time: VirtualTime
  readonly alive: () => readonly string[]
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

function shared(): Shared {
  const time = virtualTime({ patienceMs: 3_000 })
  return { time, alive: time.clock.pending, [Symbol.asyncDispose]: () => Promise.resolve() }
}

/** What a mutant does to a store; it may keep something for the whole database in `shared`. */
export type StoreChanger = (store: RecordStore, around: { readonly clock: Clock; readonly shared: Map<string, unknown> }) => RecordStore

/** Record stores whose events go to the outbox. Each one is handed to `change` before it is used. */
export function memoryRecordStoreHarness(change: StoreChanger = (store) => store): RecordStoreHarness {
  return {
    capabilities: {
      multiInstance: true,
      persistent: true,
      transactions: true,
      atomicRuns: true,
      rowLocks: true,
      concurrentWriters: true,
      connectionLoss: true,
      callerTransactions: true,
      sizes,
    },
    start: async () => {
      const base = shared()
      const database = memoryDatabase({ committedEvents: 'outbox' })
      const locks = new RowLocks()
      const listeners = new Map<RecordStore, Set<() => void>>()
      const around = { clock: base.time.clock, shared: new Map<string, unknown>() }
      return {
        ...base,
        open: async () => {
          const { recordStore } = memory({ database, clock: base.time.clock, transaction: () => ({}) })
          const port = change(lockableStore(recordStore, locks, listeners), around)
          return { port, close: () => port.close() }
        },
        lockRun: (runId) => locks.lock(runId),
        loseConnection: async () => {
          for (const own of listeners.values()) for (const listener of own) listener()
        },
        begin: ({ port }) => heldTransaction(port),
      }
    },
  }
}

export type TimersChanger = (store: RecordStore['timers']) => RecordStore['timers']

export function memoryTimeoutStoreHarness(change: TimersChanger = (store) => store): TimeoutStoreHarness {
  return {
    capabilities: { multiInstance: true, persistent: true, sizes },
    start: async () => {
      const base = shared()
      const database = memoryDatabase()
      return {
        ...base,
        open: async () => {
          const { recordStore } = memory({ database, clock: base.time.clock })
          return { port: change(recordStore.timers), close: () => recordStore.close() }
        },
      }
    },
  }
}

/** What a mutant does to a streamer. */
export type StreamerChanger = (
  streamer: EventStreamer,
  around: { readonly clock: Clock; readonly shared: Map<string, unknown> },
) => EventStreamer

export function memoryEventStreamerHarness(change: StreamerChanger = (streamer) => streamer): EventStreamerHarness {
  return {
    capabilities: {
      multiInstance: true,
      persistent: true,
      feeds: ['store', 'sender'],
      kill: true,
      eventLoss: true,
      lateCommits: true,
      sizes,
    },
    start: async () => {
      const base = shared()
      const database = memoryDatabase()
      const lost = new LostEvents()
      const around = { clock: base.time.clock, shared: new Map<string, unknown>() }
      return {
        ...base,
        open: async () => {
          const { recordStore, eventStreamer, kill } = memory({ database, clock: base.time.clock, transaction: () => ({}) })
          const store = rememberingStore(recordStore, lost)
          const port = change(lossyStreamer(eventStreamer, store, lost), around)
          const close = async (): Promise<void> => {
            await port.close()
            await recordStore.close()
          }
          return { port, store, close, kill: async () => kill() }
        },
        loseEvents: async (topic, slot) => lost.lose(topic, slot),
      }
    },
  }
}

/** Long enough for many turns of the virtual clock, short enough for patience. */
const leaseMs = 300

/** What a mutant does to a scheduler. */
export type SchedulerChanger = (
  scheduler: RoleScheduler,
  around: { readonly clock: Clock; readonly shared: Map<string, unknown> },
) => RoleScheduler

export function memoryRoleSchedulerHarness(change: SchedulerChanger = (scheduler) => scheduler): RoleSchedulerHarness {
  return {
    capabilities: { multiInstance: true, persistent: true, kill: true, steal: true, clockJumps: true, sizes },
    start: async () => {
      const base = shared()
      const database = memoryDatabase()
      const around = { clock: base.time.clock, shared: new Map<string, unknown>() }
      return {
        ...base,
        leaseMs,
        steal: async (role) => database.roles.steal(role),
        open: async (instance): Promise<Instance<RoleScheduler>> => {
          const { roleScheduler, kill } = memory({ database, instance, clock: base.time.clock, leaseDuration: `${leaseMs}ms` })
          const port = change(roleScheduler, around)
          return { port, close: () => port.close(), kill: async () => kill() }
        },
      }
    },
  }
}

/** What a mutant does to a connector. */
export type ConnectorChanger = (connector: Connector, clock: Clock) => Connector

export function memoryConnectorHarness(change: ConnectorChanger = (connector) => connector): ConnectorHarness {
  return {
    capabilities: { multiInstance: true, persistent: true, headers: true, fromDate: true },
    start: async () => {
      const base = shared()
      const stream = memoryConnector({ clock: base.time.clock })
      const port = change(stream, base.time.clock)
      return { ...base, open: async () => ({ port, close: () => Promise.resolve() }), publish: stream.publish }
    },
  }
}
