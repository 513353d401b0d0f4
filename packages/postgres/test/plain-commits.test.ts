/** Batches of many units of one change each, some of which are refused: what comes of the others. */
import type { CommitResult, Delivery, RunEvent, Unit } from '@workflow/core/adapter'
import { describe, expect, test } from 'vitest'
import { layout, topic, unitOf, workflowName } from '../../testing/test/database/make-unit.ts'
import { freshSchema, newest } from './database.ts'
import { WatchedPool } from './watched-pool.ts'

const latest = { durable: false, workflowName, topics: [topic], from: 'latest' } as const

/** A run that wants the foreign id of another. */
function rival(runId: string, of: string): Unit {
  const { id, changes = [] } = unitOf(runId, 1)
  const foreignId = `order of ${of}`
  return {
    id,
    changes: changes.map((change) => ({ ...change, next: { ...change.next, foreignId }, event: { ...change.event, foreignId } })),
  }
}

function answerOf(result: CommitResult): string {
  return result.ok ? `written ${result.seqs.length}` : result.reason
}

function namesOf(deliveries: readonly Delivery<RunEvent>[]): readonly string[] {
  return deliveries.map(({ event }) => `${event.runId} ${event.version}`)
}

describe.skipIf(newest === undefined)('in a batch of moves and creations', () => {
  test('each that is refused is refused alone, and the events of the others come in their order, here and elsewhere', async () => {
    await using place = freshSchema()
    const pool = new WatchedPool(place.url)
    const db = place.open({ pool })
    const elsewhere = place.open()
    await db.eventStreamer.ensure(layout)
    for (const runId of ['a', 'c', 'e', 'taken']) await db.recordStore.commit(unitOf(runId, 1))
    await using own = await db.eventStreamer.newReceiver(latest)
    await using others = await elsewhere.eventStreamer.newReceiver(latest)
    pool.asked.length = 0
    const units = [
      unitOf('a', 2),
      rival('b', 'taken'),
      unitOf('c', 3),
      unitOf('d', 1),
      unitOf('e', 2),
      rival('f', 'c'),
      unitOf('g', 1),
      unitOf('taken', 3),
    ]
    const results = await Promise.all(units.map((unit) => db.recordStore.commit(unit)))
    expect(pool.count('commit_1')).toBe(1)
    expect(results.map(answerOf)).toEqual([
      'written 1',
      'in-progress',
      'conflict',
      'written 1',
      'written 1',
      'in-progress',
      'written 1',
      'conflict',
    ])
    const seqs = new Set(results.flatMap((result) => (result.ok ? result.seqs : [])))
    expect(seqs.size).toBe(4)
    const records = await Promise.all(['a', 'd', 'e', 'g'].map((runId) => db.recordStore.lookup(runId)))
    expect(records.map((record) => [record?.version, seqs.has(record?.seq ?? 0n)])).toEqual([
      [2, true],
      [1, true],
      [2, true],
      [1, true],
    ])
    for (const receiver of [own, others]) {
      const got: string[] = []
      const signal = AbortSignal.timeout(20_000)
      while (got.length < 4) got.push(...namesOf(await receiver.receive({ max: 10, signal })))
      expect(got).toEqual(['a 2', 'e 2', 'd 1', 'g 1'])
    }
    const ids = (await place.sql('SELECT id % 4096, id / 4096 FROM {event} ORDER BY id DESC LIMIT 4')).map((row) => row.map(Number))
    expect(ids.map(([n]) => n)).toEqual([1, 0, 1, 0])
    expect(ids.map(([, batch]) => batch)).toEqual([ids[0]?.[1], ids[0]?.[1], ids[2]?.[1], ids[2]?.[1]])
    await own[Symbol.asyncDispose]()
    await db.close()
    await pool.end()
  })

  test('where all are refused no number is drawn for events that never come', async () => {
    await using place = freshSchema()
    const db = place.open()
    await db.recordStore.commit(unitOf('a', 1))
    const before = await place.sql('SELECT last_value FROM {batch}')
    const results = await Promise.all([unitOf('a', 3), rival('b', 'a'), unitOf('c', 2)].map((unit) => db.recordStore.commit(unit)))
    expect(results.map(answerOf)).toEqual(['conflict', 'in-progress', 'conflict'])
    expect(await db.recordStore.commit(unitOf('a', 3))).toMatchObject({ ok: false, reason: 'conflict' })
    expect(await place.sql('SELECT last_value FROM {batch}')).toEqual(before)
  })
})
