/** Who is told of commits, and who need not be. */
import { describe, expect, test } from 'vitest'
import type { EventReceiver, RunEvent } from '@workflow/core/adapter'
import { freshSchema, newest, type TestSchema } from './database.ts'
import { KillablePool } from './killable-pool.ts'
import { claimsOf, layout, topic, unitOf, workflowName } from '../../testing/test/database/make-unit.ts'
import { WatchedPool } from './watched-pool.ts'

/** Long polling: what comes in time comes because it was told. */
const patient = { crossProcessPolling: '10m' } as const
const all = { durable: false, workflowName, topics: [topic], from: 'latest' } as const

/** Events until one of this run, by run id. */
async function until(receiver: EventReceiver<RunEvent>, runId: string): Promise<string[]> {
  const seen: string[] = []
  const signal = AbortSignal.timeout(20_000)
  while (!seen.includes(runId)) for (const { event } of await receiver.receive({ max: 100, signal })) seen.push(event.runId)
  return seen
}

async function listeners(place: TestSchema): Promise<number> {
  const rows = await place.sql(
    `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock'
      AND classid::bigint << 32 | objid::bigint = hashtextextended($1, 0)`,
    [`workflow:${place.schema}`],
  )
  return rows.length
}

describe.skipIf(newest === undefined)('who is told', () => {
  test('nobody, where nobody else listens: a process hands its own commits on without a word to the server', async () => {
    await using place = freshSchema()
    const pool = new WatchedPool(place.url)
    const db = place.open({ pool, ...patient })
    await db.eventStreamer.ensure(layout)
    await using receiver = await db.eventStreamer.newReceiver({ ...all, durable: true, name: 'steps', claims: claimsOf(1n) })
    await db.recordStore.commit(unitOf('first', 1))
    await until(receiver, 'first')
    pool.asked.length = 0
    for (let version = 1; version <= 20; version++) {
      await db.recordStore.commit(unitOf('run', version))
      await until(receiver, 'run')
    }
    expect([pool.count('commit_1'), pool.count('read_1'), pool.count('pg_notify')]).toEqual([20, 0, 0])
    await receiver[Symbol.asyncDispose]()
    await db.close()
    await pool.end()
  })

  test('whoever begins to listen, of what was committed before the greeting was heard, too', { timeout: 60_000 }, async () => {
    await using place = freshSchema()
    const pool = new WatchedPool(place.url)
    const db = place.open({ pool, ...patient })
    await db.eventStreamer.ensure(layout)
    await using own = await db.eventStreamer.newReceiver(all)
    pool.deafen()
    const newcomer = place.open(patient)
    await using receiver = await newcomer.eventStreamer.newReceiver(all)
    // Their first look is over with this one, which tells.
    await newcomer.recordStore.commit(unitOf('own', 1))
    await until(receiver, 'own')
    pool.asked.length = 0
    await db.recordStore.commit(unitOf('before', 1))
    await until(own, 'before')
    expect(pool.count('pg_notify')).toBe(0)
    pool.hear()
    await until(receiver, 'before')
    await db.recordStore.commit(unitOf('after', 1))
    await until(receiver, 'after')
    await own[Symbol.asyncDispose]()
    await db.close()
    await pool.end()
  })

  test('a process that was left alone stops telling, and tells again when somebody comes', { timeout: 60_000 }, async () => {
    await using place = freshSchema()
    const pool = new WatchedPool(place.url)
    // The listeners are counted as often as a connection is looked after.
    const db = place.open({ pool, ...patient, queryTimeout: '200ms' })
    await db.eventStreamer.ensure(layout)
    await using own = await db.eventStreamer.newReceiver(all)
    for (let round = 0; round < 2; round++) {
      const other = place.open(patient)
      const receiver = await other.eventStreamer.newReceiver(all)
      await db.recordStore.commit(unitOf(`told-${round}`, 1))
      await until(receiver, `told-${round}`)
      expect(await listeners(place)).toBe(2)
      await receiver[Symbol.asyncDispose]()
      await other.close()
      for (let i = 0, alone = false; !alone; i++) {
        pool.asked.length = 0
        await db.recordStore.commit(unitOf(`alone-${round}-${i}`, 1))
        await until(own, `alone-${round}-${i}`)
        alone = pool.count('pg_notify') === 0 && (await listeners(place)) === 1
      }
    }
    await own[Symbol.asyncDispose]()
    await db.close()
    await pool.end()
  })

  test('everybody, by a process that cannot hear for the moment and does not know who is there', { timeout: 60_000 }, async () => {
    await using place = freshSchema()
    const pool = new KillablePool(place.url)
    const db = place.open({ pool, ...patient })
    await db.eventStreamer.ensure(layout)
    await using own = await db.eventStreamer.newReceiver(all)
    for (let round = 0; round < 5; round++) {
      pool.cut()
      const other = place.open(patient)
      const receiver = await other.eventStreamer.newReceiver(all)
      await committed(() => db.recordStore.commit(unitOf(`deaf-${round}`, 1)))
      expect(await until(receiver, `deaf-${round}`)).toContain(`deaf-${round}`)
      await receiver[Symbol.asyncDispose]()
      await other.close()
    }
    await own[Symbol.asyncDispose]()
    await db.close()
    await pool.end()
  })
})

/** Connections that were cut fail once. */
async function committed(commit: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await commit()
      return
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'StoreUnavailable') throw error
    }
  }
}
