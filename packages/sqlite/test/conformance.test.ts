import type { Clock } from '@workflow/core/adapter'
import {
  eventStreamerCases,
  outboxCases,
  realTime,
  recordStoreCases,
  roleSchedulerCases,
  timeoutStoreCases,
  virtualTime,
  type ConformanceCase,
  type Instance,
} from '@workflow/testing/conformance'
import { describe, test } from 'vitest'
import { sqlite, type Sqlite, type SqliteDatabase } from '../src/index.ts'
import { openHandle, temporaryFolder } from './database-file.ts'

interface Opened {
  readonly db: Sqlite
  readonly handle: SqliteDatabase
  readonly close: () => Promise<void>
  readonly kill: () => Promise<void>
}

/** A fresh file, and instances on it as other processes would have them: each with a handle of its own. */
function freshFile(clock: Clock) {
  const folder = temporaryFolder()
  const file = folder.file('workflow.db')
  const open = (instance?: string): Opened => {
    const handle = openHandle(file)
    const db = sqlite({
      database: handle,
      clock,
      lease: '600ms',
      crossProcessPolling: '5ms',
      ...(instance === undefined ? {} : { instance }),
    })
    const close = async (): Promise<void> => {
      await db.close()
      handle.close()
    }
    return { db, handle, close, kill: async () => void handle.close() }
  }
  return { file, open, [Symbol.asyncDispose]: async () => folder[Symbol.dispose]() }
}

function instanceOf<Port>({ close, kill }: Opened, port: Port): Instance<Port> {
  return { port, close, kill }
}

const backends = { multiInstance: true, persistent: true }

function register(cases: Iterable<ConformanceCase>): void {
  for (const one of cases) test(one.name, { timeout: 60_000 }, () => one.run())
}

describe('record store', () =>
  register(
    recordStoreCases({
      capabilities: {
        ...backends,
        transactions: true,
        atomicRuns: true,
        rowLocks: false,
        concurrentWriters: false,
        connectionLoss: false,
        callerTransactions: true,
      },
      start: async () => {
        const time = realTime()
        const { open, file, ...rest } = freshFile(time.clock)
        return {
          ...rest,
          time,
          open: async () => {
            const opened = open()
            // The first use creates the tables, which it cannot do while a caller's transaction is open.
            await opened.db.recordStore.lookup('nobody')
            return instanceOf(opened, opened.db.recordStore)
          },
          begin: async () => {
            const tx = openHandle(file)
            tx.exec('BEGIN IMMEDIATE')
            const end = async (sql: string): Promise<void> => {
              tx.exec(sql)
              tx.close()
            }
            return { tx, commit: () => end('COMMIT'), rollBack: () => end('ROLLBACK') }
          },
        }
      },
    }),
  ))

describe('timeout store', () =>
  register(
    timeoutStoreCases({
      capabilities: backends,
      start: async () => {
        const time = realTime()
        const { open, file: _, ...rest } = freshFile(time.clock)
        return {
          ...rest,
          time,
          open: async () => {
            const opened = open()
            return instanceOf(opened, opened.db.timeoutStore)
          },
        }
      },
    }),
  ))

const streams = async () => {
  const time = realTime()
  const { open, file: _, ...rest } = freshFile(time.clock)
  return {
    ...rest,
    time,
    open: async () => {
      const opened = open()
      return { ...instanceOf(opened, opened.db.eventStreamer), store: opened.db.recordStore }
    },
  }
}

describe('event streamer', () =>
  register(
    eventStreamerCases({
      capabilities: { ...backends, feeds: ['store', 'sender'], kill: true, eventLoss: false },
      start: streams,
    }),
  ))

describe('outbox', () =>
  register(
    outboxCases({
      capabilities: {
        ...backends,
        transactions: true,
        atomicRuns: true,
        rowLocks: false,
        concurrentWriters: false,
        connectionLoss: false,
        callerTransactions: false,
      },
      start: async () => {
        const { open, ...rest } = await streams()
        return {
          ...rest,
          open: async () => {
            const { store, ...opened } = await open()
            return { ...opened, port: store }
          },
        }
      },
    }),
  ))

describe('role scheduler', () =>
  register(
    roleSchedulerCases({
      capabilities: { ...backends, kill: true, steal: true, clockJumps: true },
      start: async () => {
        const time = virtualTime()
        const { open, file, ...rest } = freshFile(time.clock)
        return {
          ...rest,
          time,
          leaseMs: 600,
          open: async (name) => {
            const opened = open(name)
            return instanceOf(opened, opened.db.roleScheduler)
          },
          steal: async (role) => {
            const handle = openHandle(file)
            handle.prepare("UPDATE workflow_role SET instance = 'thief', token = token + 1 WHERE role = ?").run(role)
            handle.close()
          },
        }
      },
    }),
  ))
