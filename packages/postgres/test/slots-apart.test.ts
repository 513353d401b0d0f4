/** A process reads of what others have committed what its own slots need, and not the rest. */
import { slotOf } from '@workflow/core/adapter'
import { describe, expect, test } from 'vitest'
import { freshSchema, newest } from './database.ts'
import { claimsOf, layout, slots, topic, unitOf, workflowName } from '../../testing/test/database/make-unit.ts'
import { WatchedPool } from './watched-pool.ts'

const patient = { crossProcessPolling: '10m' } as const
const steps = { durable: true, workflowName, name: 'steps', topics: [topic], from: 'earliest' } as const

/** So many runs of one slot. */
function runsOf(slot: number, count: number): readonly string[] {
  const runs: string[] = []
  for (let n = 0; runs.length < count; n++) if (slotOf(`run-${n}`, slots) === slot) runs.push(`run-${n}`)
  return runs
}

describe.skipIf(newest === undefined)('a process that has one slot of four', { timeout: 30_000 }, () => {
  test('is not sent the events of the others, but for the first of a batch', async () => {
    await using place = freshSchema()
    const writer = place.open(patient)
    await writer.eventStreamer.ensure(layout)
    const pool = new WatchedPool(place.url)
    const reader = place.open({ pool, ...patient })
    await using receiver = await reader.eventStreamer.newReceiver({ ...steps, claims: claimsOf(1n).slice(0, 1) })
    const signal = AbortSignal.timeout(20_000)
    const take = async (count: number): Promise<readonly string[]> => {
      const seen: string[] = []
      while (seen.length < count)
        for (const { event, ack } of await receiver.receive({ max: 100, signal })) void (seen.push(event.runId), ack())
      return seen.sort()
    }
    const mine = runsOf(0, 10)
    await writer.recordStore.commit(unitOf(mine[0] ?? '', 1))
    expect(await take(1)).toEqual(mine.slice(0, 1))
    // It has met the shape, and knows in which slots it is wanted.
    await expect.poll(() => pool.rows('read_1')).toBeGreaterThan(1)
    pool.asked.length = 0
    const before = pool.rows('read_1')
    const others = [1, 2, 3].flatMap((slot) => runsOf(slot, 100))
    await Promise.all([...others, ...mine.slice(1)].map((run) => writer.recordStore.commit(unitOf(run, 1))))
    expect(await take(9)).toEqual(mine.slice(1).sort())
    const batches = await place.sql(`SELECT 1 FROM "${place.schema}".event WHERE id % 4096 = 0`)
    // One row more of each look, which says how far it could see.
    expect(pool.rows('read_1') - before).toBeLessThanOrEqual(9 + batches.length + pool.count('read_1'))
    await receiver[Symbol.asyncDispose]()
    await reader.close()
    await pool.end()
  })

  test('and takes another gets what a look under way was told to leave out', async () => {
    await using place = freshSchema()
    const writer = place.open(patient)
    await writer.eventStreamer.ensure(layout)
    const pool = new WatchedPool(place.url)
    const reader = place.open({ pool, ...patient })
    const [own, other] = claimsOf(1n)
    if (own === undefined || other === undefined) throw new Error('there are four slots')
    await using receiver = await reader.eventStreamer.newReceiver({ ...steps, claims: [own] })
    const signal = AbortSignal.timeout(20_000)
    const [[first = '', second = ''], [after = '', between = '']] = [runsOf(own.slot, 2), runsOf(other.slot, 2)]
    await writer.recordStore.commit(unitOf(first, 1))
    expect((await receiver.receive({ max: 10, signal })).map(({ event }) => event.runId)).toEqual([first])
    // It has met the shape, and knows in which slots it is wanted: the server answers for one slot only.
    await expect.poll(() => pool.rows('read_1')).toBeGreaterThan(1)
    const held = pool.hold('read_1')
    // In one batch, in the order of their names: the first of a batch comes in any case.
    await Promise.all([writer.recordStore.commit(unitOf(second, 1)), writer.recordStore.commit(unitOf(between, 1))])
    await held.asked
    const scanned = pool.rows('scan_1')
    await receiver.assign([own, other])
    await writer.recordStore.commit(unitOf(after, 1))
    const receiving = receiver.receive({ max: 10, signal })
    // The new slot has been looked at up to where the log was before.
    await expect.poll(() => pool.rows('scan_1'), { timeout: 10_000 }).toBeGreaterThan(scanned)
    held.release()
    const seen = (await receiving).map(({ event }) => event.runId)
    while (seen.length < 3) for (const { event } of await receiver.receive({ max: 10, signal })) seen.push(event.runId)
    expect(seen.sort()).toEqual([second, between, after].sort())
    await receiver[Symbol.asyncDispose]()
    await reader.close()
    await pool.end()
  })

  test.each([63, 64, 127])('of very many, %i, is sent what lies in it', async (slot) => {
    await using place = freshSchema()
    const writer = place.open(patient)
    await writer.eventStreamer.ensure({ ...layout, slots: 130 })
    const reader = place.open(patient)
    const claims = [{ slot, fence: { role: 'orders', domain: 'test', token: 1n } }]
    await using receiver = await reader.eventStreamer.newReceiver({ ...steps, claims })
    const signal = AbortSignal.timeout(20_000)
    const unitIn = (runId: string, where: number): ReturnType<typeof unitOf> => {
      const { id, changes = [] } = unitOf(runId, 1)
      return { id, changes: changes.map((change) => ({ ...change, event: { ...change.event, slot: where } })) }
    }
    const seen: string[] = []
    const take = async (count: number): Promise<void> => {
      while (seen.length < count) for (const { event } of await receiver.receive({ max: 10, signal })) seen.push(event.runId)
    }
    await writer.recordStore.commit(unitIn('first', slot))
    await take(1)
    await Promise.all(
      [['a', 1] as const, ['b', slot] as const, ['c', 2] as const].map(([run, at]) => writer.recordStore.commit(unitIn(run, at))),
    )
    await take(2)
    expect(seen).toEqual(['first', 'b'])
    await receiver[Symbol.asyncDispose]()
    await reader.close()
  })
})
