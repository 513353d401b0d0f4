/** Registers the conformance kit for one server. */
import type { Clock } from '@workflow/core/adapter'
import { systemClock } from '@workflow/core/adapter'
import {
  eventStreamerCases,
  outboxCases,
  realTime,
  recordStoreCases,
  roleSchedulerCases,
  timeoutStoreCases,
  type ConformanceCase,
  type HarnessTime,
  type Instance,
} from '@workflow/testing/conformance'
import { describe, test } from 'vitest'
import type { Postgres } from '../src/index.ts'
import { freshSchema, type TestSchema } from './database.ts'
import type { TestServer } from './global-setup.ts'
import { KillablePool } from './killable-pool.ts'

const backends = { multiInstance: true, persistent: true }

interface Opened {
  readonly db: Postgres<unknown>
  readonly pool: KillablePool
  readonly close: () => Promise<void>
  readonly kill: () => Promise<void>
}

/** A fresh schema, and instances on it as other processes would have them: each with a pool of its own. */
function freshBackend(server: TestServer, clock: Clock = systemClock) {
  const place: TestSchema = freshSchema(server)
  const open = (instance?: string): Opened => {
    const pool = new KillablePool(server.url)
    const db = place.open({ pool, clock, lease: '1500ms', ...(instance === undefined ? {} : { instance }) })
    let closed: Promise<void> | undefined
    const close = (): Promise<void> => (closed ??= db.close().then(() => pool.end()))
    return { db, pool, close, kill: async () => pool.kill() }
  }
  return { place, open, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() }
}

function instanceOf<Port>({ close, kill }: Opened, port: Port): Instance<Port> {
  return { port, close, kill }
}

/** Real time whose clocks can be set: the database's clock goes on as it is. */
function jumpingTime(): HarnessTime {
  const offsets = { wall: 0, monotonic: 0 }
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + offsets.wall,
    monotonic: () => systemClock.monotonic() + offsets.monotonic,
  }
  return { ...realTime(), clock, jump: (which, ms) => void (offsets[which] += ms) }
}

/** Most of a case is waiting: several go on at once, but for those that count what keeps the process alive. */
function register(cases: Iterable<ConformanceCase>): void {
  for (const { name, run } of cases) {
    if (/alive|leaves nothing|frees/.test(name)) test(name, { timeout: 60_000 }, () => run())
    else test.concurrent(name, { timeout: 60_000 }, () => run())
  }
}

const storeCapabilities = {
  ...backends,
  transactions: true,
  atomicRuns: true,
  rowLocks: true,
  concurrentWriters: true,
  connectionLoss: true,
  callerTransactions: true,
}

/** Records, the outbox and timers. */
export function registerStore(server: TestServer): void {
  describe('record store', () => register(recordStoreCases({ capabilities: storeCapabilities, start: () => startStore(server) })))
  describe('outbox', () => register(outboxCases({ capabilities: storeCapabilities, start: () => startStore(server) })))
  describe('timeout store', () =>
    register(
      timeoutStoreCases({
        capabilities: backends,
        start: async () => {
          const { open, ...rest } = freshBackend(server)
          return {
            ...rest,
            time: realTime(),
            open: async () => {
              const opened = open()
              return instanceOf(opened, opened.db.timeoutStore)
            },
          }
        },
      }),
    ))
}

/** Events, by each of the ways in which they come. */
export function registerStreamer(server: TestServer, feeds: readonly ('store' | 'sender')[] = ['store', 'sender']): void {
  describe('event streamer', () =>
    register(
      eventStreamerCases({
        capabilities: { ...backends, feeds, kill: true, eventLoss: false, lateCommits: true },
        start: async () => {
          const { open, ...rest } = freshBackend(server)
          return {
            ...rest,
            time: realTime(),
            open: async () => {
              const opened = open()
              return { ...instanceOf(opened, opened.db.eventStreamer), store: opened.db.recordStore }
            },
          }
        },
      }),
    ))
}

/** Roles. */
export function registerScheduler(server: TestServer): void {
  describe('role scheduler', () =>
    register(
      roleSchedulerCases({
        capabilities: { ...backends, kill: true, steal: true, clockJumps: true },
        start: async () => {
          const time = jumpingTime()
          const { open, place, ...rest } = freshBackend(server, time.clock)
          return {
            ...rest,
            time,
            leaseMs: 1_500,
            open: async (name) => {
              const opened = open(name)
              return instanceOf(opened, opened.db.roleScheduler)
            },
            steal: async (role) => {
              await place.sql('UPDATE {role} SET instance = gen_random_uuid(), token = token + 1 WHERE role = $1', [role])
            },
          }
        },
      }),
    ))
}

async function startStore(server: TestServer) {
  const { open, place, ...rest } = freshBackend(server)
  const pools = new Map<unknown, KillablePool>()
  return {
    ...rest,
    time: realTime(),
    open: async () => {
      const opened = open()
      const instance = instanceOf(opened, opened.db.recordStore)
      pools.set(instance, opened.pool)
      // Connects, so that there is a connection to lose.
      await opened.db.recordStore.lookup('nobody')
      return instance
    },
    lockRun: async (runId: string) => {
      const client = await place.pool.connect()
      await client.query('BEGIN')
      await client.query(`SELECT 1 FROM "${place.schema}".record WHERE run_id = $1 FOR UPDATE`, [runId])
      return {
        [Symbol.asyncDispose]: async () => {
          await client.query('ROLLBACK')
          client.release()
        },
      }
    },
    loseConnection: async (instance: unknown) => pools.get(instance)?.cut(),
    begin: async (instance: Instance<{ lookup: (runId: string) => Promise<unknown> }>) => {
      // The first use creates the tables.
      await instance.port.lookup('nobody')
      const tx = await place.pool.connect()
      await tx.query('BEGIN')
      const end = async (sql: string): Promise<void> => {
        await tx.query(sql)
        tx.release()
      }
      return { tx, commit: () => end('COMMIT'), rollBack: () => end('ROLLBACK') }
    },
  }
}
