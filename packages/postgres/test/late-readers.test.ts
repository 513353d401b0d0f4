/** Receivers that open while the log is being read for others. */
import { describe, expect, test } from 'vitest'
import { freshSchema, newest } from './database.ts'
import { claimsOf, layout, topic, unitOf, workflowName } from '../../testing/test/database/make-unit.ts'
import { WatchedPool } from './watched-pool.ts'

const other = 'orders/other'
const third = 'orders/third'
const patient = { crossProcessPolling: '10m' } as const

/** A unit whose event is in another topic. */
function elsewhere(runId: string, where = other): ReturnType<typeof unitOf> {
  const { id, changes = [] } = unitOf(runId, 1)
  return { id, changes: changes.map((change) => ({ ...change, event: { ...change.event, topics: [where] } })) }
}

describe.skipIf(newest === undefined)('a receiver that opens while a look is under way', () => {
  test.each([true, false])('gets what that look was told to leave out (durable: %s)', { timeout: 30_000 }, async (durable) => {
    await using place = freshSchema()
    const writer = place.open(patient)
    await writer.eventStreamer.ensure({
      ...layout,
      topics: [topic, other],
      receivers: [
        { name: 'steps', topics: [topic], from: 'earliest' },
        { name: 'others', topics: [other], from: 'earliest' },
      ],
    })
    const pool = new WatchedPool(place.url)
    const reader = place.open({ pool, ...patient })
    await using first = await reader.eventStreamer.newReceiver({ durable: false, workflowName, topics: [topic], from: 'latest' })
    const signal = AbortSignal.timeout(20_000)
    // The reader has met the shape of the other topic, and knows that nobody wants it.
    await writer.recordStore.commit(elsewhere('known'))
    await writer.recordStore.commit(unitOf('first', 1))
    expect((await first.receive({ max: 10, signal })).map(({ event }) => event.runId)).toEqual(['first'])
    // A look is under way that leaves the other topic out, and the server has answered already.
    const held = pool.hold('read_1')
    // In one batch behind another: the first event of a batch comes in any case.
    await Promise.all([writer.recordStore.commit(unitOf('a', 1)), writer.recordStore.commit(elsewhere('in between'))])
    await held.asked
    const spec = durable
      ? ({ durable: true, workflowName, name: 'others', topics: [other], from: 'earliest', claims: claimsOf(1n) } as const)
      : ({ durable: false, workflowName, topics: [other], from: 'latest' } as const)
    await using second = await reader.eventStreamer.newReceiver(spec)
    await writer.recordStore.commit(elsewhere('after'))
    held.release()
    const seen: string[] = []
    while (!seen.includes('after')) for (const { event } of await second.receive({ max: 10, signal })) seen.push(event.runId)
    expect(seen).toEqual(durable ? ['known', 'in between', 'after'] : ['after'])
    await first[Symbol.asyncDispose]()
    await second[Symbol.asyncDispose]()
    await reader.close()
    await pool.end()
  })

  test('is read again for once, however many others come meanwhile', { timeout: 30_000 }, async () => {
    await using place = freshSchema()
    const writer = place.open(patient)
    await writer.eventStreamer.ensure({ ...layout, topics: [topic, other, third] })
    const pool = new WatchedPool(place.url)
    const reader = place.open({ pool, ...patient })
    const latest = { durable: false, workflowName, from: 'latest' } as const
    await using first = await reader.eventStreamer.newReceiver({ ...latest, topics: [topic] })
    const signal = AbortSignal.timeout(20_000)
    for (const where of [other, third]) await writer.recordStore.commit(elsewhere(`known ${where}`, where))
    await writer.recordStore.commit(unitOf('first', 1))
    expect((await first.receive({ max: 10, signal })).map(({ event }) => event.runId)).toEqual(['first'])
    const one = pool.hold('read_1')
    await writer.recordStore.commit(unitOf('a', 1))
    await one.asked
    await using second = await reader.eventStreamer.newReceiver({ ...latest, topics: [other] })
    one.release()
    const two = pool.hold('read_1')
    await two.asked
    await using last = await reader.eventStreamer.newReceiver({ ...latest, topics: [third] })
    two.release()
    // No further look is answered, and none is needed.
    const three = pool.hold('read_1')
    expect((await first.receive({ max: 10, signal })).map(({ event }) => event.runId)).toEqual(['a'])
    three.release()
    for (const receiver of [first, second, last]) await receiver[Symbol.asyncDispose]()
    await reader.close()
    await pool.end()
  })
})
