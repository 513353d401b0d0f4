/**
 * How many rows the server looks at for what is done all the time, on tables that hold far more. What counts is what the
 * server itself has counted: no table is read as a whole, whatever the planner knows of it.
 */
import { slotOf, type Timer } from '@workflow/core/adapter'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Postgres } from '../src/index.ts'
import { freshSchema, newest, type TestSchema } from './database.ts'
import { layout, slots, unitOf, workflowName } from '../../testing/test/database/make-unit.ts'

const stored = 20_000
const tables = ['record', 'event', 'timer', 'item', 'unit'] as const
const limit = 50
const longAgo = new Date(1_000)

function timerOf(owner: string): Timer {
  return {
    key: { kind: 'timeout', owner, epoch: 1, name: 'late' },
    workflowName,
    slot: slotOf(owner, slots),
    at: new Date(2_000_000_000_000),
    held: false,
    attempt: 1,
  }
}

interface Ends {
  readonly call: (db: Postgres<unknown>) => Promise<unknown>
  /** So many rows may be fetched by way of indexes, in all tables together. */
  readonly rows: number
  /** So many while the server has no statistics: then a listing may read the stretch that it looks at, and sort it. */
  readonly rowsAtFirst?: number
}

let commits = 0
let moves = 0
const calls: Readonly<Record<string, Ends>> = {
  'a look-up': { call: ({ recordStore }) => recordStore.lookup('run 7'), rows: 1 },
  'the newest run of a foreign id': { call: ({ recordStore }) => recordStore.latest(workflowName, 'order 7'), rows: 2 },
  'a page of the newest runs': {
    call: ({ recordStore }) => recordStore.list({ order: 'newest' }, { limit }),
    rows: limit + 20,
    rowsAtFirst: stored + 100,
  },
  'a page of the oldest runs of a status': {
    call: ({ recordStore }) => recordStore.list({ workflowName, status: ['created'] }, { limit }),
    rows: limit + 20,
    rowsAtFirst: stored + 100,
  },
  'a page of the runs that are unfinished': {
    call: ({ recordStore }) => recordStore.list({ workflowName, runState: ['Initiated', 'Running'], updatedBefore: new Date() }, { limit }),
    rows: limit + 20,
    rowsAtFirst: stored / 100 + 100,
  },
  'the runs of a foreign id': {
    call: ({ recordStore }) => recordStore.list({ workflowName, foreignId: 'order 7' }, { limit }),
    rows: 3,
  },
  'the children of a run': {
    call: ({ recordStore }) => recordStore.list({ parent: { runId: 'run 7' } }, { limit }),
    rows: 3,
  },
  'unfinished children': { call: ({ recordStore }) => recordStore.unfinishedChildren('run 7', 'join', 1), rows: 1 },
  'a history': { call: ({ recordStore }) => recordStore.history('run 7', { limit, objects: true }), rows: 3 },
  'an inbox': { call: ({ recordStore }) => recordStore.items('run 7', 'callbacks', { limit }), rows: 1 },
  'timers that are due': {
    call: ({ timeoutStore }) => timeoutStore.due({ workflowName, slots: [0, 1, 2, 3], before: longAgo }, { limit }),
    rows: 4,
  },
  'the next expiry': { call: ({ timeoutStore }) => timeoutStore.nextExpiry({ workflowName, slots: [0, 1, 2, 3] }), rows: 4 },
  'the timers of a run': { call: ({ timeoutStore }) => timeoutStore.list({ owner: 'run 7' }, { limit }), rows: 1 },
  'the creation of a run': { call: ({ recordStore }) => recordStore.commit(unitOf(`new ${commits++}`, 1)), rows: 1 },
  'a transition': { call: ({ recordStore }) => recordStore.commit(unitOf('moving', 2 + moves++)), rows: 4 },
  'the deletion of ten runs with all that is theirs': {
    call: ({ recordStore }) => recordStore.purge({ finishedBefore: new Date() }, 10),
    // Each with its record, event and timer, which are found once to be locked and once to be deleted.
    rows: 60,
  },
}

let place: TestSchema

/** Rows of tables that were read as a whole, and rows by way of indexes. */
interface Counted {
  readonly scanned: number
  readonly fetched: number
}

type Copy = Readonly<Record<string, string>>

/** What differs in a copy, by table; one run in a hundred is unfinished. */
const copies: Readonly<Record<string, Copy>> = {
  record: {
    seq: '10000000 + i',
    run_id: "'run ' || i",
    foreign_id: "'order ' || i",
    ended: 'CASE WHEN i % 100 = 0 THEN 0 ELSE 10000000 + i END',
    state: "CASE WHEN i % 100 = 0 THEN 'Running' ELSE 'Completed' END",
    open: 'i % 100 = 0',
    finished_at: 'CASE WHEN i % 100 = 0 THEN NULL ELSE 1000000 + i END',
  },
  event: { id: '(1000 + i) * 4096', run: '10000000 + i', run_id: "'run ' || i", foreign_id: "'order ' || i" },
  timer: {
    id: '1000 + i',
    key: 'gen_random_uuid()',
    owner_key: "left(encode(sha256(convert_to(format('[\"run %s\"]', i), 'UTF8')), 'hex'), 32)",
    owner: "'run ' || i",
    slot: 'i % 4',
  },
}

/** Makes many of one run, of its event and of its timer, in a session that is over then. */
async function multiply(): Promise<void> {
  const client = new pg.Client({ connectionString: placeUrl() })
  await client.connect()
  for (const [table, copy] of Object.entries(copies)) {
    const pairs = Object.entries(copy).map(([name, value]) => `'${name}', ${value}`)
    const name = `"${place.schema}"."${table}"`
    await client.query(`ALTER TABLE ${name} SET (autovacuum_enabled = off)`)
    await client.query(
      `INSERT INTO ${name} OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(t, jsonb_build_object(${pairs.join(', ')}))).*
       FROM ${name} AS t CROSS JOIN generate_series(1, ${stored}) AS i`,
    )
  }
  for (const sequence of ['record_seq', 'batch']) await client.query(`SELECT setval('"${place.schema}"."${sequence}"', ${2 * stored})`)
  await client.end()
}

/** By the name of the application, sessions of this file are told from those of others. */
function placeUrl(): string {
  return `${place.url}?application_name=${place.schema}`
}

/** What a call costs beyond what a new instance asks when it opens. Sessions tell what they did at their end at the latest. */
async function costOf(call: Ends['call']): Promise<Counted> {
  const inInstance = async (work: (db: Postgres<unknown>) => Promise<unknown>): Promise<Counted> => {
    const before = await counted()
    const db = place.open({ connectionString: placeUrl() })
    await db.recordStore.lookup('nobody')
    await work(db)
    await db.close()
    const after = await counted()
    return { scanned: after.scanned - before.scanned, fetched: after.fetched - before.fetched }
  }
  const opening = await inInstance(async () => undefined)
  const both = await inInstance(call)
  return { scanned: both.scanned - opening.scanned, fetched: both.fetched - opening.fetched }
}

/** What all sessions of this file have read, once they are gone. */
async function counted(): Promise<Counted> {
  const sessions = async (): Promise<unknown> =>
    (await place.sql('SELECT count(*) FROM pg_stat_activity WHERE application_name = $1', [place.schema]))[0]?.[0]
  await expect.poll(sessions, { timeout: 20_000 }).toBe('0')
  const [row] = await place.sql(
    `SELECT sum(seq_tup_read), sum(coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = ANY ($2)`,
    [place.schema, tables],
  )
  return { scanned: Number(row?.[0]), fetched: Number(row?.[1]) }
}

describe.skipIf(newest === undefined)('on a large table', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    place = freshSchema()
    const db = place.open()
    await db.eventStreamer.ensure(layout)
    const first = unitOf('moving', 1)
    await db.recordStore.commit({ ...first, timers: [{ put: timerOf('moving') }] })
    await db.close()
    await multiply()
  }, 120_000)

  afterAll(async () => {
    await place[Symbol.asyncDispose]()
  })

  describe.each([
    { known: false, name: 'before the server has statistics' },
    { known: true, name: 'with statistics' },
  ])('$name', ({ known }) => {
    beforeAll(async () => {
      if (known) await place.sql('ANALYZE {record}, {event}, {timer}')
    })

    test.each(Object.entries(calls))('%s looks at hardly more rows than it is about', async (_, { call, rows, rowsAtFirst = rows }) => {
      const { scanned, fetched } = await costOf(call)
      expect(scanned).toBe(0)
      expect(fetched).toBeLessThanOrEqual(known ? rows : rowsAtFirst)
    })
  })
})
