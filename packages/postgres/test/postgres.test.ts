/** What can be wrong with a server, and what is special about this one. */
import { isWorkflowError, type WorkflowError } from '@workflow/core/adapter'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { migratePostgres, postgres, postgresEventStreamer, postgresGrants, postgresSchema, type PostgresOptions } from '../src/index.ts'
import { freshSchema, newest } from './database.ts'
import { KillablePool } from './killable-pool.ts'
import { claimsOf, layout, topic, unitOf, workflowName } from '../../testing/test/database/make-unit.ts'

/** The error of a call, which must be one of ours. */
async function errorOf(work: Promise<unknown> | (() => unknown)): Promise<WorkflowError> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    if (isWorkflowError(error)) return error
    throw error
  }
  throw new Error('it did not throw')
}

const url = 'postgres://nobody@127.0.0.1:1/none'

describe('options', () => {
  test.each<[string, unknown]>([
    ['no database', {}],
    ['a URL and a pool', { connectionString: url, pool: new pg.Pool() }],
    ['something that is no URL', { connectionString: 'localhost:5432' }],
    ['a URL with characters that must be escaped', { connectionString: 'postgres://me:pass word#@[host/db' }],
    ['a schema with quotes', { connectionString: url, schema: 'a"; DROP SCHEMA public; --' }],
    ['a schema of the system', { connectionString: url, schema: 'pg_catalog' }],
    ['a schema that is too long', { connectionString: url, schema: 'x'.repeat(41) }],
    ['a lease too short to renew', { connectionString: url, lease: '100ms' }],
    ['a duration without a unit', { connectionString: url, queryTimeout: '5' }],
    ['another pooler', { connectionString: url, pooler: 'session' }],
    ['an unknown name', { connectionString: url, sync: true }],
    ['too few connections', { connectionString: url, connections: 2 }],
    ['a pool that is too small', { pool: new pg.Pool({ max: 1 }) }],
    ['something that is no pool', { pool: {} }],
    ['a client of pg instead of a pool', { pool: new pg.Client() }],
    ['a URL instead of options', url],
    ['nothing', undefined],
  ])('refuses %s', async (_, options) => {
    // These are what JavaScript could pass.
    const error = await errorOf(() => postgres(options as PostgresOptions))
    expect([error.code, error.retryable]).toEqual(['Configuration', false])
    expect(error.message).toMatch(/postgres/)
    expect(error.message).not.toContain('pass word')
  })

  test('a streamer takes the commits of a store of this package only', async () => {
    // This is what JavaScript could pass.
    const error = await errorOf(() => postgresEventStreamer({ source: {} as never }))
    expect(error.code).toBe('Configuration')
  })
})

describe('a database that cannot be reached', () => {
  test('says so, and that trying again can help', async () => {
    await using db = postgres({ connectionString: url, queryTimeout: '5s' })
    for (const work of [db.recordStore.lookup('run'), db.recordStore.commit(unitOf('run', 1)), db.eventStreamer.ensure(layout)]) {
      const error = await errorOf(work)
      expect([error.code, error.retryable]).toEqual(['StoreUnavailable', true])
      expect(error.message).toContain('ECONNREFUSED')
    }
  })
})

describe.skipIf(newest === undefined)('a server', () => {
  test('without the database is a mistake in the configuration', async () => {
    const where = new URL(newest?.url ?? '')
    where.pathname = '/nowhere'
    await using db = postgres({ connectionString: where.href })
    const error = await errorOf(db.recordStore.lookup('run'))
    expect([error.code, error.retryable, error.details['sqlState']]).toEqual(['Configuration', false, '3D000'])
  })

  test('that does not know the user is one, too', async () => {
    const where = new URL(newest?.url ?? '')
    where.username = 'stranger'
    await using db = postgres({ connectionString: where.href })
    expect((await errorOf(db.recordStore.lookup('run'))).code).toBe('Configuration')
  })

  test('whose transactions are read-only, as on a replica, takes no commit and says where to go', async () => {
    await using place = freshSchema()
    await migratePostgres({ connectionString: place.url, schema: place.schema })
    const db = place.open({ connectionString: `${place.url}?options=-c%20default_transaction_read_only%3Don` })
    const error = await errorOf(db.recordStore.commit(unitOf('run', 1)))
    expect([error.code, error.retryable, error.message.includes('primary')]).toEqual(['StoreUnavailable', true, true])
  })
})

describe.skipIf(newest === undefined)('a schema', () => {
  test('can be made by hand from the printed SQL, and is missed where it is not', async () => {
    await using place = freshSchema()
    const early = place.open({ migrate: 'manual' })
    const error = await errorOf(early.recordStore.lookup('run'))
    expect([error.code, error.message.includes(place.schema), error.message.includes('migratePostgres')]).toEqual([
      'Configuration',
      true,
      true,
    ])
    await place.pool.query(`BEGIN;\n${postgresSchema({ schema: place.schema })}\nCOMMIT`)
    const db = place.open({ migrate: 'manual' })
    expect((await db.recordStore.commit(unitOf('run', 1))).ok).toBe(true)
    await migratePostgres({ connectionString: place.url, schema: place.schema })
  })

  test('that somebody else is changing is waited for, however long a statement may take otherwise', async () => {
    await using place = freshSchema()
    const other = await place.pool.connect()
    // The lock of whoever migrates.
    await other.query('SELECT pg_advisory_lock(7240911835)')
    const db = place.open({ queryTimeout: '200ms' })
    const first = db.recordStore.commit(unitOf('run', 1))
    await other.query('SELECT pg_sleep(1)')
    await other.query('SELECT pg_advisory_unlock(7240911835)')
    other.release()
    expect((await first).ok).toBe(true)
  })

  test('of a later version is refused, naming both versions', async () => {
    await using place = freshSchema()
    await migratePostgres({ connectionString: place.url, schema: place.schema })
    await place.sql("UPDATE {meta} SET value = '99' WHERE key = 'schema'")
    const error = await errorOf(place.open().recordStore.lookup('run'))
    expect([error.code, error.details]).toEqual(['StoredByNewer', { schema: place.schema, stored: 99, known: 1 }])
  })

  test('whose version makes no sense is corrupt, not a reason to create the tables again', async () => {
    await using place = freshSchema()
    await migratePostgres({ connectionString: place.url, schema: place.schema })
    await place.sql("UPDATE {meta} SET value = 'abc' WHERE key = 'schema'")
    expect((await errorOf(place.open().recordStore.lookup('run'))).code).toBe('StoreCorrupt')
  })

  test('with a table that was changed by hand names itself, and is all right again when the table is', async () => {
    await using place = freshSchema()
    const db = place.open()
    await db.recordStore.commit(unitOf('run', 1))
    await place.sql('ALTER TABLE {record} RENAME COLUMN status TO state_of_things')
    const error = await errorOf(db.recordStore.commit(unitOf('run', 2)))
    expect([error.code, error.message.includes(place.schema)]).toEqual(['Configuration', true])
    await place.sql('ALTER TABLE {record} RENAME COLUMN state_of_things TO status')
    expect((await db.recordStore.commit(unitOf('run', 2))).ok).toBe(true)
  })

  test('needs no more rights than those that are printed; without them the message says what to do', async () => {
    await using place = freshSchema()
    await migratePostgres({ connectionString: place.url, schema: place.schema })
    const role = `${place.schema}_app`
    await place.sql(`CREATE ROLE ${role} LOGIN`)
    const where = new URL(place.url)
    where.username = role
    const stranger = place.open({ connectionString: where.href })
    const error = await errorOf(stranger.recordStore.lookup('run'))
    expect([error.code, error.message.includes('postgresGrants')]).toEqual(['Configuration', true])
    await place.sql(postgresGrants({ schema: place.schema, role }))
    const db = place.open({ connectionString: where.href })
    await db.eventStreamer.ensure(layout)
    await using receiver = await db.eventStreamer.newReceiver({ ...spec, claims: claimsOf(1n) })
    expect((await db.recordStore.commit(unitOf('run', 1))).ok).toBe(true)
    const { signal } = new AbortController()
    for (const { ack } of await receiver.receive({ max: 1, signal })) await ack()
    await (await db.roleScheduler.awaitRole('orders/0', { signal, generation: 0 })).release()
    expect(await db.recordStore.purge({ finishedBefore: new Date() }, 10)).toBe(0)
    const forbidden = new pg.Client({ connectionString: where.href })
    await forbidden.connect()
    await expect(forbidden.query(`DROP TABLE "${place.schema}".record`)).rejects.toMatchObject({ code: '42501' })
    await forbidden.end()
    await receiver[Symbol.asyncDispose]()
    await db.close()
    await stranger.close()
    await place.sql(`DROP OWNED BY ${role}`)
    await place.sql(`DROP ROLE ${role}`)
  })

  test('keeps apart from another one in the same database', async () => {
    await using a = freshSchema()
    await using b = freshSchema()
    await a.open().recordStore.commit(unitOf('run', 1))
    expect(await b.open().recordStore.lookup('run')).toBeUndefined()
  })
})

const spec = { durable: true, workflowName, name: 'steps', topics: [topic], from: 'earliest' } as const

describe.skipIf(newest === undefined)('a connection', () => {
  test('that was given up leaves no session at work behind; the statements of a step may take their time', async () => {
    await using place = freshSchema()
    const { recordStore } = place.open({ queryTimeout: '200ms' })
    await recordStore.commit(unitOf('run', 1))
    const { signal } = new AbortController()
    const shown: unknown[] = []
    await recordStore.transaction?.(async (tx) => void shown.push(...(await tx.query('SHOW statement_timeout')).rows), { signal })
    expect(shown).toEqual([{ statement_timeout: '0' }])
    const other = await place.pool.connect()
    await other.query(`BEGIN; LOCK TABLE "${place.schema}".record`)
    expect((await errorOf(recordStore.lookup('run'))).code).toBe('StoreUnavailable')
    // Longer than the server's limit, which is half as much again.
    await other.query('SELECT pg_sleep(0.6)')
    const [row] = await place.sql("SELECT count(*)::integer FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1", [
      `%${place.schema}%`,
    ])
    await other.query('ROLLBACK')
    other.release()
    expect(row).toEqual([0])
    expect((await recordStore.lookup('run'))?.version).toBe(1)
  })

  test('that is lost costs no event: the listener comes back and catches up', { timeout: 60_000 }, async () => {
    await using place = freshSchema()
    const pool = new KillablePool(place.url)
    // Long polling: what comes in time comes because it was told.
    const db = place.open({ pool, crossProcessPolling: '1m' })
    const other = place.open()
    await db.eventStreamer.ensure(layout)
    await using receiver = await db.eventStreamer.newReceiver({ ...spec, claims: claimsOf(1n) })
    const signal = AbortSignal.timeout(20_000)
    for (let round = 0; round < 3; round++) {
      const told = receiver.receive({ max: 10, signal })
      await other.recordStore.commit(unitOf(`told-${round}`, 1))
      expect((await told).map(({ event }) => event.runId)).toEqual([`told-${round}`])
      pool.cut()
      await other.recordStore.commit(unitOf(`missed-${round}`, 1))
      expect((await receiver.receive({ max: 10, signal })).map(({ event }) => event.runId)).toEqual([`missed-${round}`])
    }
    await receiver[Symbol.asyncDispose]()
    await db.close()
    await pool.end()
  })

  test('that dies under a commit leaves it unknown; sent again it is recognised, and its event comes once', {
    timeout: 60_000,
  }, async () => {
    await using place = freshSchema()
    const pool = new KillablePool(place.url)
    const db = place.open({ pool, crossProcessPolling: '50ms' })
    await db.eventStreamer.ensure(layout)
    await using receiver = await db.eventStreamer.newReceiver({ ...spec, claims: claimsOf(1n) })
    const units = Array.from({ length: 200 }, (_, i) => unitOf(`run-${i}`, 1))
    const first = units.map((unit) => db.recordStore.commit(unit))
    setImmediate(() => setImmediate(() => pool.cut()))
    await Promise.allSettled(first)
    for (const unit of units) {
      await expect
        .poll(() =>
          db.recordStore.commit(unit).then(
            ({ ok }) => ok,
            () => false,
          ),
        )
        .toBe(true)
    }
    const seen: string[] = []
    const signal = AbortSignal.timeout(20_000)
    while (seen.length < 200) seen.push(...(await receiver.receive({ max: 500, signal })).map(({ event }) => event.runId))
    expect(new Set(seen).size).toBe(200)
    await receiver[Symbol.asyncDispose]()
    await db.close()
    await pool.end()
  })

  test('of a pooler that gives it away after each transaction is enough for everything but LISTEN', { timeout: 60_000 }, async () => {
    await using place = freshSchema()
    // A connection is used once and never again: whatever were kept in it would be gone.
    const pools = [0, 1].map(() => new pg.Pool({ connectionString: place.url, max: 8, maxUses: 1 }))
    const [one, two] = pools.map((pool) => place.open({ pool, pooler: 'transaction' }))
    if (one === undefined || two === undefined) throw new Error('unreachable')
    await one.eventStreamer.ensure(layout)
    await using receiver = await one.eventStreamer.newReceiver({ ...spec, claims: claimsOf(1n) })
    const { signal } = new AbortController()
    await (await two.roleScheduler.awaitRole('orders/0', { signal, generation: 0 })).release()
    for (let version = 1; version <= 5; version++) await two.recordStore.commit(unitOf('run', version))
    const versions: number[] = []
    while (versions.length < 5) {
      for (const { event, ack } of await receiver.receive({ max: 10, signal })) {
        versions.push(event.version)
        await ack()
      }
    }
    expect(versions).toEqual([1, 2, 3, 4, 5])
    await receiver[Symbol.asyncDispose]()
    for (const db of [one, two]) await db.close()
    for (const pool of pools) await pool.end()
  })

  test('is never closed where it was handed in, and the pool is left as it was', async () => {
    await using place = freshSchema()
    const pool = new pg.Pool({ connectionString: place.url, max: 4 })
    const db = place.open({ pool })
    expect((await db.recordStore.commit(unitOf('run', 1))).ok).toBe(true)
    const before = await pool.query('SHOW enable_seqscan')
    await db.close()
    expect([before.rows, (await pool.query('SELECT 1 AS one')).rows, pool.listenerCount('error')]).toEqual([
      [{ enable_seqscan: 'on' }],
      [{ one: 1 }],
      0,
    ])
    await pool.end()
  })
})

describe.skipIf(newest === undefined)('events', () => {
  test('stand in a view that other programs can read', async () => {
    await using place = freshSchema()
    const db = place.open()
    const unit = unitOf('run', 1)
    await db.recordStore.commit(unit)
    const [row] = await place.sql('SELECT event FROM {outbox}')
    const { at, ...event } = unit.changes?.[0]?.event ?? { at: undefined }
    expect(row?.[0]).toEqual({ ...event, at: at?.toISOString(), previousStatus: null, traceparent: null })
  })

  test('that exceed the buffers are read from the table later, each once and in order, while another topic goes on', {
    timeout: 60_000,
  }, async () => {
    await using place = freshSchema()
    const { recordStore, eventStreamer } = place.open()
    const quick = 'orders/quick'
    await eventStreamer.ensure({
      ...layout,
      topics: [topic, quick],
      receivers: [{ name: 'steps', topics: [topic, quick], from: 'earliest' }],
    })
    await using receiver = await eventStreamer.newReceiver({ ...spec, topics: [topic, quick], claims: claimsOf(1n) })
    const count = 10_000
    await Promise.all(Array.from({ length: count }, (_, i) => recordStore.commit(unitOf(`run-${i}`, 1))))
    const { signal } = new AbortController()
    const [first] = await receiver.receive({ max: 1, signal })
    const [change] = unitOf('late', 1).changes ?? []
    if (change === undefined || first === undefined) throw new Error('unreachable')
    await recordStore.commit({ id: 'late/1', changes: [{ ...change, event: { ...change.event, topics: [quick] } }] })
    expect((await receiver.receive({ max: 10, except: new Set([topic]), signal })).map((delivery) => delivery.event.runId)).toEqual([
      'late',
    ])
    const seen = [first.event.runId]
    while (seen.length < count) {
      for (const delivery of await receiver.receive({ max: 700, signal })) {
        seen.push(delivery.event.runId)
        void delivery.ack()
      }
    }
    expect(new Set(seen).size).toBe(count)
    const order = (await place.sql('SELECT run_id FROM {event} ORDER BY id')).flat().filter((runId) => runId !== 'late')
    expect(seen).toEqual(order)
  })

  test('of runs that are elsewhere are deleted once they are acknowledged', async () => {
    await using place = freshSchema()
    const { eventStreamer } = place.open()
    await eventStreamer.ensure(layout)
    await using receiver = await eventStreamer.newReceiver({ ...spec, claims: claimsOf(1n) })
    await using sender = await eventStreamer.newSender()
    const events = Array.from({ length: 2_000 }, (_, i) => unitOf(`run-${i}`, 1).changes?.[0]?.event).filter((event) => event !== undefined)
    await sender.send(events)
    expect(await place.sql('SELECT count(*)::int FROM {event}')).toEqual([[2_000]])
    const { signal } = new AbortController()
    for (let seen = 0; seen < 1_500; ) {
      const deliveries = await receiver.receive({ max: 1_500 - seen, signal })
      seen += deliveries.length
      await Promise.all(deliveries.map(({ ack }) => ack()))
    }
    await sender.send(events)
    const [[left]] = (await place.sql('SELECT count(*)::int FROM {event}')) as [[number]]
    expect(left).toBe(2_500)
  })
})

test.skipIf(newest === undefined)('two names of one receiver in two workflows are refused', async () => {
  await using place = freshSchema()
  const db = place.open()
  await db.eventStreamer.ensure(layout)
  const other = { ...layout, workflowName: 'invoices', topics: ['invoices/created'] }
  const error = await errorOf(
    db.eventStreamer.ensure({ ...other, receivers: [{ name: 'steps', topics: ['invoices/created'], from: 'latest' }] }),
  )
  expect([error.code, error.message.includes('orders'), error.message.includes('invoices')]).toEqual(['Configuration', true, true])
})

test.skipIf(newest === undefined)('names of the greatest length that nothing can compress are stored and found', async () => {
  await using place = freshSchema()
  const db = place.open()
  // Random characters of three bytes each: no index of Postgres takes the text itself.
  let seed = 1
  const long = (length: number): string =>
    Array.from({ length }, () => String.fromCharCode(0x4e00 + ((seed = (seed * 48_271) % 2_147_483_647) % 20_000))).join('')
  const unit = unitOf(long(240), 1)
  const runId = unit.changes?.[0]?.next.runId ?? ''
  const item = { runId, stream: long(1_024), id: long(1_024), body: { bytes: Uint8Array.of(1), codec: 'json', schema: 1 } }
  expect((await db.recordStore.commit(unit)).ok).toBe(true)
  const append = { id: long(1_024), append: [{ ...item, ifUnfinished: true }] }
  expect((await db.recordStore.commit(append)).ok).toBe(true)
  expect(await db.recordStore.commit(append)).toMatchObject({ ok: true, replayed: true })
  expect((await db.recordStore.items(runId, item.stream, { limit: 10 })).items).toHaveLength(1)
})
