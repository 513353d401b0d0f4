/** What can be wrong with a file, and what is special about this one. */
import { isWorkflowError, type WorkflowError } from '@workflow/core/adapter'
import { existsSync, chmodSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { migrateSqlite, sqlite, sqliteSchema, type SqliteOptions } from '../src/index.ts'
import { openHandle, temporaryFolder } from './database-file.ts'
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

describe('options', () => {
  test.each<[string, unknown]>([
    ['no file', {}],
    ['a file and a database', { file: 'x.db', database: openHandle(':memory:') }],
    ['an empty file', { file: '' }],
    ['a prefix that is no name', { file: 'x.db', tablePrefix: 'a"; DROP TABLE x; --' }],
    ['a lease too short to renew', { file: 'x.db', lease: '100ms' }],
    ['a duration without a unit', { file: 'x.db', busyTimeout: '5' }],
    ['another synchronous', { file: 'x.db', synchronous: 'OFF' }],
    ['an unknown name', { file: 'x.db', sync: 'FULL' }],
    ['a cache of nothing', { file: 'x.db', cacheMebibytes: 0 }],
    ['something that is no database', { database: {} }],
    ['a path instead of options', 'x.db'],
    ['nothing', undefined],
  ])('refuses %s', async (_, options) => {
    // These are what JavaScript could pass.
    const error = await errorOf(() => sqlite(options as SqliteOptions))
    expect(error.code).toBe('Configuration')
    expect(error.message).toMatch(/sqlite/)
  })
})

describe('migrations', () => {
  test('keep two prefixes in one file apart', async () => {
    using folder = temporaryFolder()
    const file = folder.file('workflow.db')
    await using a = sqlite({ file, tablePrefix: 'a_' })
    await using b = sqlite({ file, tablePrefix: '' })
    await a.recordStore.commit(unitOf('run', 1))
    expect(await b.recordStore.lookup('run')).toBeUndefined()
    expect((await b.recordStore.commit(unitOf('run', 1))).ok).toBe(true)
  })

  test('can be run by hand from the printed SQL', async () => {
    using folder = temporaryFolder()
    const file = folder.file('workflow.db')
    const options = { file, tablePrefix: 'own_', migrate: 'manual' } as const
    await using early = sqlite(options)
    const error = await errorOf(early.recordStore.lookup('run'))
    expect([error.code, error.message.includes(file), error.message.includes('migrateSqlite')]).toEqual(['Configuration', true, true])
    expect(existsSync(file), 'a wrong path leaves nothing behind').toBe(false)
    const handle = openHandle(file)
    await using empty = sqlite(options)
    expect(await errorOf(empty.recordStore.lookup('run'))).toMatchObject({
      code: 'Configuration',
      message: expect.stringContaining('version 0'),
    })
    handle.exec(sqliteSchema({ tablePrefix: 'own_' }))
    handle.close()
    await using db = sqlite(options)
    expect((await db.recordStore.commit(unitOf('run', 1))).ok).toBe(true)
    await migrateSqlite({ file, tablePrefix: 'own_' })
  })

  test('refuse tables of a later version, naming the file and both versions', async () => {
    using folder = temporaryFolder()
    const file = folder.file('workflow.db')
    await migrateSqlite({ file })
    const handle = openHandle(file)
    handle.exec("UPDATE workflow_meta SET value = 99 WHERE key = 'schema'")
    handle.close()
    await using db = sqlite({ file })
    const error = await errorOf(db.recordStore.lookup('run'))
    expect([error.code, error.details]).toEqual(['StoredByNewer', { file, stored: 99, known: 1 }])
    expect((await errorOf(migrateSqlite({ file }))).code).toBe('StoredByNewer')
  })
})

describe('a file that cannot be used', () => {
  test('is in a folder that does not exist', async () => {
    await using db = sqlite({ file: '/nowhere/at/all/workflow.db' })
    const error = await errorOf(db.recordStore.lookup('run'))
    expect([error.code, error.message.includes('/nowhere/at/all/workflow.db')]).toEqual(['StoreUnavailable', true])
    expect(error.message).toContain('make its folder')
  })

  test('is no database', async () => {
    using folder = temporaryFolder()
    const file = folder.file('workflow.db')
    writeFileSync(file, 'This is a letter to my grandmother, and by no means a database. '.repeat(100))
    await using db = sqlite({ file })
    const error = await errorOf(db.recordStore.commit(unitOf('run', 1)))
    expect([error.code, error.message.includes(file)]).toEqual(['StoreCorrupt', true])
  })

  test('was deleted while it was open: nothing is written into the void', async () => {
    using folder = temporaryFolder()
    const file = folder.file('workflow.db')
    await using db = sqlite({ file })
    await db.recordStore.commit(unitOf('run', 1))
    rmSync(file)
    const error = await errorOf(db.recordStore.commit(unitOf('run', 2)))
    expect([error.code, error.message.includes(file), error.message.includes('deleted')]).toEqual(['StoreUnavailable', true, true])
  })

  test('may not be written, and says so', async () => {
    using folder = temporaryFolder()
    const file = folder.file('workflow.db')
    await migrateSqlite({ file })
    const handle = openHandle(file)
    handle.pragma('query_only = ON')
    await using db = sqlite({ database: handle })
    expect(await db.recordStore.lookup('run')).toBeUndefined()
    const error = await errorOf(db.recordStore.commit(unitOf('run', 1)))
    expect([error.code, error.message.includes('read-only'), error.message.includes(file)]).toEqual(['StoreUnavailable', true, true])
    handle.pragma('query_only = OFF')
    expect((await db.recordStore.commit(unitOf('run', 1))).ok).toBe(true)
    await db.close()
    handle.close()
    chmodSync(file, 0o644)
  })

  test('has no room left: the unit is refused whole, and goes through once there is room', async () => {
    using folder = temporaryFolder()
    const file = folder.file('workflow.db')
    await migrateSqlite({ file })
    const handle = openHandle(file)
    await using db = sqlite({ database: handle })
    await db.recordStore.commit(unitOf('first', 1))
    const pages = Number(handle.pragma('page_count', { simple: true }))
    handle.pragma(`max_page_count = ${pages + 2}`)
    const error = await errorOf(db.recordStore.commit(unitOf('big', 1, 100_000)))
    expect([error.code, error.retryable, error.message.includes('full'), error.message.includes(file)]).toEqual([
      'StoreUnavailable',
      true,
      true,
      true,
    ])
    expect(await db.recordStore.lookup('big')).toBeUndefined()
    handle.pragma('max_page_count = 1000000')
    expect(await db.recordStore.commit(unitOf('big', 1, 100_000))).toMatchObject({ ok: true, replayed: false })
    expect((await db.recordStore.lookup('first'))?.version).toBe(1)
    await db.close()
    handle.close()
  })

  test('has a row that makes no sense: its run is named, and the others are not concerned', async () => {
    using folder = temporaryFolder()
    const file = folder.file('workflow.db')
    await using db = sqlite({ file })
    await db.recordStore.commit(unitOf('broken', 1))
    const handle = openHandle(file)
    handle.exec("UPDATE workflow_record SET attempts = '{', writer = 'nonsense'")
    handle.close()
    const error = await errorOf(db.recordStore.lookup('broken'))
    expect([error.code, error.details['runId']]).toEqual(['StoreCorrupt', 'broken'])
    const [bad, good] = await Promise.allSettled([db.recordStore.commit(unitOf('broken', 1_000)), db.recordStore.commit(unitOf('fine', 1))])
    expect([bad.status, good.status]).toEqual(['rejected', 'fulfilled'])
    expect((await db.recordStore.lookup('fine'))?.version).toBe(1)
  })
})

describe('a locked file', () => {
  test('makes a write wait without stopping the process, and gives up after busyTimeout', async () => {
    using folder = temporaryFolder()
    const file = folder.file('workflow.db')
    await using db = sqlite({ file, busyTimeout: '200ms' })
    await db.recordStore.commit(unitOf('run', 1))
    const other = openHandle(file)
    other.exec('BEGIN IMMEDIATE')
    let turns = 0
    const counting = setInterval(() => turns++, 5)
    const error = await errorOf(db.recordStore.commit(unitOf('run', 2)))
    clearInterval(counting)
    expect([error.code, error.message.includes('locked'), error.message.includes(file)]).toEqual(['StoreUnavailable', true, true])
    expect(turns).toBeGreaterThan(5)
    expect((await db.recordStore.lookup('run'))?.version).toBe(1)
    const waiting = db.recordStore.commit(unitOf('run', 2))
    other.exec('ROLLBACK')
    other.close()
    expect(await waiting).toMatchObject({ ok: true })
  })

  test('by a transactional step makes the other writes of the process wait for it', async () => {
    using folder = temporaryFolder()
    await using db = sqlite({ file: folder.file('workflow.db') })
    const { recordStore } = db
    await recordStore.commit(unitOf('run', 1))
    let plain: Promise<unknown> | undefined
    await recordStore.transaction?.(
      async (tx, commit) => {
        tx.exec('CREATE TABLE orders (id TEXT)')
        plain = recordStore.commit(unitOf('other', 1))
        await new Promise((resolve) => setImmediate(resolve))
        await commit(unitOf('run', 2))
        expect((await recordStore.lookup('run'))?.version).toBe(1)
      },
      { signal: new AbortController().signal },
    )
    expect(await plain).toMatchObject({ ok: true })
    expect((await recordStore.lookup('run'))?.version).toBe(2)
  })
})

describe('events', () => {
  test('that exceed the buffers are read from the file later, each once and in order, while another topic goes on', {
    timeout: 30_000,
  }, async () => {
    using folder = temporaryFolder()
    await using db = sqlite({ file: folder.file('workflow.db') })
    const { recordStore, eventStreamer } = db
    const quick = 'orders/quick'
    await eventStreamer.ensure({
      ...layout,
      topics: [topic, quick],
      receivers: [{ name: 'steps', topics: [topic, quick], from: 'earliest' }],
    })
    await using receiver = await eventStreamer.newReceiver({
      durable: true,
      workflowName,
      name: 'steps',
      topics: [topic, quick],
      from: 'earliest',
      claims: claimsOf(1n),
    })
    const count = 10_000
    await Promise.all(Array.from({ length: count }, (_, i) => recordStore.commit(unitOf(`run-${i}`, 1))))
    const { signal } = new AbortController()
    const [{ event } = { event: undefined }] = await receiver.receive({ max: 1, signal })
    expect(event?.runId).toBe('run-0')
    const [change] = unitOf('late', 1).changes ?? []
    if (change === undefined) throw new Error('unreachable')
    await recordStore.commit({ id: 'late/1', changes: [{ ...change, event: { ...change.event, topics: [quick] } }] })
    expect((await receiver.receive({ max: 10, except: new Set([topic]), signal })).map((delivery) => delivery.event.runId)).toEqual([
      'late',
    ])
    const seen = ['run-0']
    while (seen.length < count) {
      for (const delivery of await receiver.receive({ max: 700, signal })) {
        seen.push(delivery.event.runId)
        void delivery.ack()
      }
    }
    expect(seen).toEqual(Array.from({ length: count }, (_, i) => `run-${i}`))
  })

  test('stand in a view that other programs can read', async () => {
    using folder = temporaryFolder()
    const file = folder.file('workflow.db')
    await using db = sqlite({ file })
    const unit = unitOf('run', 1)
    await db.recordStore.commit(unit)
    const handle = openHandle(file)
    const row = handle.prepare('SELECT event FROM workflow_outbox').pluck().get()
    handle.close()
    const { at, ...event } = unit.changes?.[0]?.event ?? { at: undefined }
    expect(JSON.parse(String(row))).toEqual({ ...event, at: at?.toISOString(), previousStatus: null, traceparent: null })
  })

  test('of runs that are elsewhere are deleted once they are acknowledged, and their ids are not given again', async () => {
    using folder = temporaryFolder()
    const file = folder.file('workflow.db')
    await using db = sqlite({ file })
    const { eventStreamer } = db
    await eventStreamer.ensure(layout)
    await using receiver = await eventStreamer.newReceiver({
      durable: true,
      workflowName,
      name: 'steps',
      topics: [topic],
      from: 'earliest',
      claims: claimsOf(1n),
    })
    await using sender = await eventStreamer.newSender()
    const events = Array.from({ length: 2_000 }, (_, i) => unitOf(`run-${i}`, 1).changes?.[0]?.event).filter((event) => event !== undefined)
    const handle = openHandle(file)
    const stored = (): unknown => handle.prepare('SELECT count(*), min(id), max(id) FROM workflow_event').raw().get()
    await sender.send(events)
    expect(stored()).toEqual([2_000, 1, 2_000])
    const { signal } = new AbortController()
    for (let seen = 0; seen < 1_500; ) {
      const deliveries = await receiver.receive({ max: 1_500 - seen, signal })
      seen += deliveries.length
      await Promise.all(deliveries.map(({ ack }) => ack()))
    }
    await sender.send(events)
    expect(stored()).toEqual([2_500, 1_501, 4_000])
    handle.close()
  })

  test('of runs that were purged never give their ids to others', async () => {
    using folder = temporaryFolder()
    const file = folder.file('workflow.db')
    await using db = sqlite({ file })
    const [change] = unitOf('done', 1).changes ?? []
    if (change === undefined) throw new Error('unreachable')
    const finishedAt = new Date(1_000)
    const states = ['Running', 'Completed'] as const
    await db.recordStore.commit({
      id: 'done/1',
      changes: [
        {
          ...change,
          next: { ...change.next, runState: 'Completed', finishedAt },
          event: { ...change.event, states },
          history: { ...change.history, states },
        },
      ],
    })
    expect(await db.recordStore.purge({ finishedBefore: new Date(2_000) }, 10)).toBe(1)
    const result = await db.recordStore.commit(unitOf('next', 1))
    expect(result).toMatchObject({ ok: true, seqs: [2n] })
    const handle = openHandle(file)
    expect(handle.prepare('SELECT id FROM workflow_event').pluck().all()).toEqual([2])
    handle.close()
  })
})

test('two names of one receiver in two workflows are refused', async () => {
  await using db = sqlite({ file: ':memory:' })
  await db.eventStreamer.ensure(layout)
  const error = await errorOf(
    db.eventStreamer.ensure({
      ...layout,
      workflowName: 'invoices',
      topics: ['invoices/created'],
      receivers: [{ name: 'steps', topics: ['invoices/created'], from: 'latest' }],
    }),
  )
  expect([error.code, error.message.includes('orders'), error.message.includes('invoices')]).toEqual(['Configuration', true, true])
})

test('a receiver whose code does not know a topic leaves its place in it to those whose code does', async () => {
  await using db = sqlite({ file: ':memory:' })
  const { eventStreamer, recordStore } = db
  const topics = [topic, 'orders/new']
  await eventStreamer.ensure({ ...layout, topics, receivers: [{ name: 'steps', topics, from: 'earliest' }] })
  const { signal } = new AbortController()
  const spec = { durable: true, workflowName, name: 'steps', from: 'earliest' } as const
  const older = await eventStreamer.newReceiver({ ...spec, topics: [topic], claims: claimsOf(1n) })
  const [change] = unitOf('new', 1).changes ?? []
  if (change === undefined) throw new Error('unreachable')
  await recordStore.commit({ id: 'new/1', changes: [{ ...change, event: { ...change.event, topics: ['orders/new'] } }] })
  await recordStore.commit(unitOf('known', 1))
  for (const { ack } of await older.receive({ max: 10, signal })) await ack()
  await older[Symbol.asyncDispose]()
  await using newer = await eventStreamer.newReceiver({ ...spec, topics, claims: claimsOf(2n) })
  expect((await newer.receive({ max: 10, signal })).map(({ event }) => event.runId)).toEqual(['new'])
})

test('a database in memory has everything but transactional steps', async () => {
  await using db = sqlite({ file: ':memory:' })
  expect([db.recordStore.capabilities.transactions, db.recordStore.transaction]).toEqual([false, undefined])
  expect((await db.recordStore.commit(unitOf('run', 1))).ok).toBe(true)
})
