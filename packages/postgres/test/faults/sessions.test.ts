/** What other sessions of the server do to work that is in flight. */
import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { freshSchema, newest, type TestSchema } from '../database.ts'
import { astray, atWork, errands, leave } from './errands.ts'

const timeout = 120_000

/** The URL with settings for each of its sessions. */
function withSettings({ url }: TestSchema, settings: Readonly<Record<string, string>>): string {
  const changed = new URL(url)
  changed.searchParams.set(
    'options',
    Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
  )
  return changed.href
}

async function inTransaction(place: TestSchema, work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  const client = await place.pool.connect()
  try {
    await client.query('BEGIN')
    await work(client)
  } finally {
    await client.query('ROLLBACK').catch(() => undefined)
    client.release()
  }
}

describe.skipIf(newest === undefined)('work goes on', () => {
  test('around runs whose rows somebody else has locked, and with them afterwards', { timeout }, async () => {
    await using place = freshSchema()
    const stored = place.open()
    // A client writes them, and nobody is at work yet.
    const client = errands.client(stored)
    const [locked, free] = [await leave(client, 'locked', 5), await leave(client, 'free', 45)]
    let wf: Awaited<ReturnType<typeof atWork>> | undefined
    await inTransaction(place, async (tx) => {
      await tx.query(`SELECT 1 FROM "${place.schema}".record WHERE run_id = ANY ($1) FOR UPDATE`, [locked])
      wf = await atWork(place.open())
      // Awaited while the lock is held: it delays nobody else.
      expect(await astray(wf, free)).toEqual([])
      for (const runId of locked) expect((await wf.lookup(runId))?.status).toBe('left')
    })
    expect(wf === undefined ? ['nobody at work'] : await astray(wf, locked)).toEqual([])
    await wf?.stop({ timeout: '0ms' })
    await client.close()
  })

  test('where every statement that waits is cancelled after a while', { timeout }, async () => {
    await using place = freshSchema()
    const wf = await atWork(place.open({ connectionString: withSettings(place, { statement_timeout: '100ms', lock_timeout: '0' }) }))
    const first = await leave(wf, 'before', 20)
    let second: Promise<readonly string[]> | undefined
    await inTransaction(place, async (client) => {
      await client.query(`LOCK TABLE "${place.schema}".record IN ACCESS EXCLUSIVE MODE`)
      second = leave(wf, 'meanwhile', 20)
      // Many statements run into their limit.
      await client.query('SELECT pg_sleep(1)')
    })
    expect(await astray(wf, [...first, ...((await second) ?? [])])).toEqual([])
    await wf.stop({ timeout: '0ms' })
  })

  test.each(['repeatable read', 'serializable'])('where transactions are %s by default', { timeout }, async (isolation) => {
    await using place = freshSchema()
    const connectionString = withSettings(place, { default_transaction_isolation: isolation.replace(' ', '\\ ') })
    const [one, other] = [await atWork(place.open({ connectionString })), await atWork(place.open({ connectionString }))]
    const runIds = [...(await leave(one, 'one', 100)), ...(await leave(other, 'other', 100))]
    expect(await astray(one, runIds, '60s')).toEqual([])
    await one.stop({ timeout: '0ms' })
    await other.stop({ timeout: '0ms' })
  })

  test('beside somebody who writes the same rows in any order, deadlocks and all', { timeout }, async () => {
    await using place = freshSchema()
    const settings = { deadlock_timeout: '1ms' }
    const wf = await atWork(place.open({ connectionString: withSettings(place, settings) }))
    const runIds = await leave(wf, 'run', 100)
    const work = astray(wf, runIds, '60s')
    let done = false
    void work.finally(() => {
      done = true
    })
    let rounds = 0
    for (; !done && rounds < 1_000; rounds++) {
      await inTransaction(place, async (client) => {
        const { rows } = await client.query<{ readonly seq: string }>(
          `SELECT seq FROM "${place.schema}".record WHERE ended = 0 ORDER BY random() LIMIT 20`,
        )
        for (const { seq } of rows) await client.query(`UPDATE "${place.schema}".record SET metadata = metadata WHERE seq = $1`, [seq])
      }).catch(() => undefined)
    }
    expect(await work).toEqual([])
    expect(rounds).toBeGreaterThan(0)
    await wf.stop({ timeout: '0ms' })
  })

  test('without delay while others sit in open transactions, here and with numbers of the log drawn', { timeout }, async () => {
    await using place = freshSchema()
    const [one, other] = [await atWork(place.open()), await atWork(place.open())]
    await astray(one, await leave(one, 'warm', 20))
    await inTransaction(place, async (client) => {
      await client.query(`SELECT pg_current_xact_id(), nextval('"${place.schema}".batch')`)
      const since = performance.now()
      for (let round = 0; round < 5; round++) {
        // Each is triggered here and may be handled there.
        expect(await astray(round % 2 === 0 ? one : other, await leave(other, `round ${round}`, 20))).toEqual([])
      }
      expect(performance.now() - since).toBeLessThan(10_000)
    })
    await one.stop({ timeout: '0ms' })
    await other.stop({ timeout: '0ms' })
  })
})
