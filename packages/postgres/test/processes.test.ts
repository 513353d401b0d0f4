/** Several processes on one database, and processes that are killed. */
import { describe, expect, test } from 'vitest'
import { migratePostgres } from '../src/index.ts'
import { freshSchema, newest } from './database.ts'
import { KillablePool } from './killable-pool.ts'
import { claimsOf, layout, topic, workflowName } from '../../testing/test/database/make-unit.ts'
import { startChild, type WriterChild } from '../../testing/test/database/writer-child.ts'

const startWriter = (...args: readonly string[]): WriterChild => startChild(new URL('writer-process.ts', import.meta.url), ...args)
const spec = { durable: true, workflowName, name: 'steps', topics: [topic], from: 'earliest' } as const

describe.skipIf(newest === undefined)('several processes on one database', () => {
  test('write at once, and a third one hears of every event, each run in order', { timeout: 90_000 }, async () => {
    await using place = freshSchema()
    const db = place.open()
    await db.eventStreamer.ensure(layout)
    await using receiver = await db.eventStreamer.newReceiver({ ...spec, claims: claimsOf(1n) })
    const writers = ['a', 'b'].map((name) => startWriter(place.url, place.schema, name, '20', '50'))
    const versions = new Map<string, number>()
    const { signal } = new AbortController()
    for (let count = 0; count < 2_000; ) {
      const deliveries = await receiver.receive({ max: 500, signal })
      for (const { event, ack } of deliveries) {
        expect(event.version).toBe((versions.get(event.runId) ?? 0) + 1)
        versions.set(event.runId, event.version)
        void ack()
      }
      count += deliveries.length
    }
    expect(versions.size).toBe(40)
    expect(await Promise.all(writers.map((writer) => writer.ended()))).toEqual([0, 0])
  })

  test('can all start at the same moment on a schema that does not exist', { timeout: 60_000 }, async () => {
    await using place = freshSchema()
    const instances = Array.from({ length: 10 }, () => place.open())
    await Promise.all(instances.map((db) => db.recordStore.lookup('nobody')))
    await Promise.all(instances.map((db) => db.eventStreamer.ensure(layout)))
    await migratePostgres({ connectionString: place.url, schema: place.schema })
    expect(await place.sql("SELECT value FROM {meta} WHERE key = 'schema'")).toEqual([['1']])
  })

  test('that are killed again and again lose nothing that was answered, and no event is passed over', { timeout: 120_000 }, async () => {
    await using place = freshSchema()
    const db = place.open({ crossProcessPolling: '100ms' })
    await db.eventStreamer.ensure(layout)
    await using receiver = await db.eventStreamer.newReceiver({ ...spec, claims: claimsOf(1n) })
    const stop = new AbortController()
    const heard = new Map<string, number>()
    const hearing = (async () => {
      for (;;) {
        for (const { event, ack } of await receiver.receive({ max: 500, signal: stop.signal })) {
          expect(event.version).toBe((heard.get(event.runId) ?? 0) + 1)
          heard.set(event.runId, event.version)
          void ack()
        }
      }
    })()
    const told = new Map<string, number>()
    for (let life = 0; life < 3; life++) {
      // Two at a time, so that the numbers of their batches interleave, and one dies while the other goes on.
      const writers = [`a${life % 2}`, `b${life}`].map((name) => startWriter(place.url, place.schema, name, '30'))
      for (const writer of writers) await writer.said(400)
      for (const writer of writers) await writer.kill()
      for (const line of writers.flatMap(({ lines }) => lines)) {
        const [runId = '', version] = line.split(' ')
        if (version !== undefined) told.set(runId, Math.max(told.get(runId) ?? 0, Number(version)))
      }
    }
    // A session whose process died may still be at its last statement.
    const stored = async (): Promise<unknown[][]> => place.sql('SELECT run_id, version FROM {record}')
    await expect
      .poll(async () => (await stored()).every(([runId, version]) => heard.get(String(runId)) === Number(version)), { timeout: 30_000 })
      .toBe(true)
    for (const [runId, version] of told) expect(heard.get(runId)).toBeGreaterThanOrEqual(version)
    const gapless = await place.sql(
      'SELECT r.run_id FROM {record} r WHERE r.version <> (SELECT count(DISTINCT e.version) FROM {event} e WHERE e.run = r.seq)',
    )
    expect(gapless).toEqual([])
    stop.abort()
    await expect(hearing).rejects.toBe(stop.signal.reason)
  })

  test('take the roles of one that was killed when its lease has run out', { timeout: 30_000 }, async () => {
    await using place = freshSchema()
    const pool = new KillablePool(place.url)
    const killed = place.open({ pool, lease: '1s' })
    const { signal } = new AbortController()
    const first = await killed.roleScheduler.awaitRole('orders/0', { signal, generation: 0 })
    pool.kill()
    const db = place.open({ lease: '1s' })
    const start = performance.now()
    const second = await db.roleScheduler.awaitRole('orders/0', { signal, generation: 0 })
    expect(performance.now() - start).toBeLessThan(5_000)
    expect([second.unclean, second.fence.token > first.fence.token, first.isValid()]).toEqual([true, true, false])
    await killed.close()
    await pool.end()
  })
})
