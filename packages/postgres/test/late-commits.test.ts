/** Transactions that commit late, never, or stand still: no event is passed over, and nobody waits for somebody else's. */
import { existsSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import type { EventReceiver, RunEvent } from '@workflow/core/adapter'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { Postgres } from '../src/index.ts'
import { freshSchema, newest, servers, type TestSchema } from './database.ts'
import { claimsOf, layout, topic, unitOf, workflowName } from '../../testing/test/database/make-unit.ts'

const spec = { durable: true, workflowName, name: 'steps', topics: [topic], from: 'earliest' } as const

async function receiverOn(db: Postgres<pg.PoolClient>, token = 1n): Promise<EventReceiver<RunEvent>> {
  await db.eventStreamer.ensure(layout)
  return db.eventStreamer.newReceiver({ ...spec, claims: claimsOf(token) })
}

/** Receives and acknowledges until `count` events have come. */
async function take(receiver: EventReceiver<RunEvent>, count: number): Promise<string[]> {
  const seen: string[] = []
  const signal = AbortSignal.timeout(15_000)
  while (seen.length < count) {
    const deliveries = await receiver.receive({ max: count - seen.length, signal })
    await Promise.all(deliveries.map(({ ack }) => ack()))
    seen.push(...deliveries.map(({ event }) => event.runId))
  }
  return seen
}

/** A transaction of the caller's own that has written a unit and is still open. */
async function writing(place: TestSchema, db: Postgres<pg.PoolClient>, runId: string): Promise<pg.PoolClient> {
  const tx = await place.pool.connect()
  await tx.query('BEGIN')
  expect(await db.recordStore.commit(unitOf(runId, 1), { tx })).toMatchObject({ ok: true, final: false })
  return tx
}

async function end(tx: pg.PoolClient, sql: string): Promise<void> {
  await tx.query(sql)
  tx.release()
}

/** The batches that some cursor still waits for. */
async function holesOf(place: TestSchema): Promise<readonly unknown[]> {
  return (await place.sql('SELECT DISTINCT hole FROM {cursor}, unnest(holes) AS hole ORDER BY hole')).flat()
}

describe.skipIf(newest === undefined)('a transaction that is still open', () => {
  test('holds nobody up, and its events come when it commits, also to the next holder', { timeout: 60_000 }, async () => {
    await using place = freshSchema()
    const db = place.open()
    const receiver = await receiverOn(db)
    const slow = await writing(place, db, 'slow')
    await db.recordStore.commit(unitOf('quick', 1))
    expect(await take(receiver, 1)).toEqual(['quick'])
    await receiver[Symbol.asyncDispose]()
    // The next holder is another process, which has never seen the gap but in the cursor.
    const other = place.open()
    await using next = await receiverOn(other, 2n)
    await other.recordStore.commit(unitOf('later', 1))
    expect(await take(next, 1)).toEqual(['later'])
    await end(slow, 'COMMIT')
    expect(await take(next, 1)).toEqual(['slow'])
  })

  test('of somebody else, here or in another database, delays no event', { timeout: 60_000 }, async () => {
    await using place = freshSchema()
    const db = place.open()
    await using receiver = await receiverOn(db)
    const database = `${place.schema}_other`
    await place.sql(`CREATE DATABASE ${database}`)
    const url = new URL(place.url)
    url.pathname = `/${database}`
    const elsewhere = new pg.Client({ connectionString: url.href })
    await elsewhere.connect()
    await elsewhere.query('BEGIN; CREATE TABLE theirs (id int); INSERT INTO theirs VALUES (1)')
    const here = await place.pool.connect()
    await here.query(`BEGIN; CREATE TABLE ${place.schema}_mine (id int)`)
    for (let n = 0; n < 5; n++) await db.recordStore.commit(unitOf(`run-${n}`, 1))
    const start = performance.now()
    expect(await take(receiver, 5)).toEqual(['run-0', 'run-1', 'run-2', 'run-3', 'run-4'])
    expect(performance.now() - start).toBeLessThan(5_000)
    await end(here, 'ROLLBACK')
    await elsewhere.query('ROLLBACK')
    await elsewhere.end()
    await place.sql(`DROP DATABASE ${database}`)
  })

  test('that rolls back leaves a gap which is given up, but not while anybody lives who could fill it', { timeout: 60_000 }, async () => {
    await using place = freshSchema()
    const db = place.open()
    await using receiver = await receiverOn(db)
    const [failing, lasting] = [await writing(place, db, 'failing'), await writing(place, db, 'lasting')]
    await end(failing, 'ROLLBACK')
    await db.recordStore.commit(unitOf('first', 1))
    expect(await take(receiver, 1)).toEqual(['first'])
    // Both are missing, and nobody can tell them apart while the one is still open.
    expect(await holesOf(place)).toHaveLength(2)
    await end(lasting, 'COMMIT')
    expect(await take(receiver, 1)).toEqual(['lasting'])
    await expect
      .poll(
        async () => {
          await db.recordStore.commit(unitOf(`next-${performance.now()}`, 1))
          await take(receiver, 1)
          return holesOf(place)
        },
        { timeout: 10_000 },
      )
      .toEqual([])
  })

  test('after two phases fills its gap as well', { timeout: 60_000 }, async () => {
    await using place = freshSchema()
    const db = place.open()
    await using receiver = await receiverOn(db)
    const [kept, dropped] = [`${place.schema}-kept`, `${place.schema}-dropped`]
    // A notification cannot be part of a prepared transaction: behind a pooler there is none.
    const quiet = place.open({ pooler: 'transaction' })
    for (const name of [kept, dropped]) await end(await writing(place, quiet, name), `PREPARE TRANSACTION '${name}'`)
    await db.recordStore.commit(unitOf('quick', 1))
    expect(await take(receiver, 1)).toEqual(['quick'])
    await place.sql(`COMMIT PREPARED '${kept}'`)
    await place.sql(`ROLLBACK PREPARED '${dropped}'`)
    expect(await take(receiver, 1)).toEqual([kept])
  })

  test('while an index is being made, events go on', { timeout: 60_000 }, async () => {
    await using place = freshSchema()
    const db = place.open()
    await using receiver = await receiverOn(db)
    const other = await place.pool.connect()
    await other.query(
      `BEGIN; CREATE TABLE ${place.schema}_big AS SELECT generate_series(1, 1000) AS id; CREATE INDEX ON ${place.schema}_big (id)`,
    )
    await db.recordStore.commit(unitOf('during', 1))
    expect(await take(receiver, 1)).toEqual(['during'])
    await end(other, 'ROLLBACK')
  })

  test('was open when a receiver began at the end: what it commits comes after that', { timeout: 60_000 }, async () => {
    await using place = freshSchema()
    const db = place.open()
    await db.eventStreamer.ensure(layout)
    const slow = await writing(place, db, 'slow')
    await db.recordStore.commit(unitOf('before', 1))
    const latest = { name: 'hooks', topics: [topic], from: 'latest' } as const
    await db.eventStreamer.ensure({ ...layout, receivers: [latest] })
    await using ephemeral = await db.eventStreamer.newReceiver({ durable: false, workflowName, topics: [topic], from: 'latest' })
    await end(slow, 'COMMIT')
    await db.recordStore.commit(unitOf('after', 1))
    await using receiver = await db.eventStreamer.newReceiver({ ...latest, durable: true, workflowName, claims: claimsOf(1n) })
    expect((await take(receiver, 2)).sort()).toEqual(['after', 'slow'])
    expect((await take(ephemeral, 2)).sort()).toEqual(['after', 'slow'])
  })
})

test.skipIf(newest === undefined)(
  'a batch is given its number only when its rows are locked and written',
  { timeout: 60_000 },
  async () => {
    await using place = freshSchema()
    const db = place.open()
    await db.recordStore.commit(unitOf('run', 1))
    const lock = await place.pool.connect()
    await lock.query('BEGIN')
    await lock.query(`SELECT 1 FROM "${place.schema}".record FOR UPDATE`)
    const numbers = async (): Promise<unknown> => (await place.sql('SELECT last_value::int FROM {batch}'))[0]?.[0]
    const before = await numbers()
    const tx = await place.pool.connect()
    await tx.query('BEGIN')
    const waiting = db.recordStore.commit(unitOf('run', 2), { tx })
    // It waits for the lock: the number that it will have must be higher than that of whoever holds the row.
    await expect
      .poll(
        async () =>
          (
            await place.sql("SELECT count(*)::int FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%commit_1%'")
          )[0]?.[0],
      )
      .toBeGreaterThan(0)
    expect(await numbers()).toBe(before)
    await end(lock, 'ROLLBACK')
    expect(await waiting).toMatchObject({ ok: true })
    await end(tx, 'COMMIT')
    expect(await numbers()).toBe(Number(before) + 1)
  },
)

const dump = '/usr/lib/postgresql/15/bin/pg_dump'
const old = servers.find(({ name }) => name === 'Postgres 15')

describe.skipIf(!existsSync(dump) || old === undefined)('a dump that is restored elsewhere', () => {
  test('brings every event that was not acknowledged, although its transactions have other numbers', { timeout: 60_000 }, async () => {
    await using place = freshSchema(old)
    const db = place.open()
    const receiver = await receiverOn(db)
    for (let n = 0; n < 20; n++) await db.recordStore.commit(unitOf(`run-${n}`, 1))
    await take(receiver, 5)
    await db.close()
    const text = execFileSync(dump, ['--dbname', place.url, '--schema', place.schema], { encoding: 'utf8' })
    await place.sql(`DROP SCHEMA "${place.schema}" CASCADE`)
    const database = `${place.schema}_restored`
    await place.sql(`CREATE DATABASE ${database}`)
    const url = new URL(place.url)
    url.pathname = `/${database}`
    execFileSync('/usr/lib/postgresql/15/bin/psql', ['--quiet', '--set', 'ON_ERROR_STOP=1', '--output', '/dev/null', url.href], {
      input: text,
    })
    const restored = place.open({ connectionString: url.href })
    await using again = await receiverOn(restored, 2n)
    await restored.recordStore.commit(unitOf('new', 1))
    const seen = await take(again, 16)
    expect(seen.sort()).toEqual([...Array.from({ length: 15 }, (_, n) => `run-${n + 5}`), 'new'].sort())
    await again[Symbol.asyncDispose]()
    await restored.close()
    await place.sql(`DROP DATABASE ${database}`)
  })
})
