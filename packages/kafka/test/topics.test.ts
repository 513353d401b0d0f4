/** Topics that are not as this package made them: made anew, too small, compacted, with small limits. */
import { describe, expect, test } from 'vitest'
import { Broker } from './broker.ts'
import { claimsOf, eventOf, layoutOf, topic } from './events.ts'
import { fresh, listener, receiverOf, take, versionsOf } from './scene.ts'

describe.skipIf(Broker.url === undefined)('topics', { timeout: 60_000 }, () => {
  test('that were made anew with too few partitions take nothing in silence, and are said to be too small', async () => {
    const { broker, open } = fresh()
    const { said, logger } = listener()
    const { eventStreamer } = open({ logger })
    await eventStreamer.ensure(layoutOf())
    const sender = await eventStreamer.newSender()
    const receiver = await receiverOf(eventStreamer)
    await sender.send([eventOf(1, 0), eventOf(3, 3)])
    for (const { ack } of await take(receiver, 2)) await ack()
    await broker.replace(broker.topicOf(topic), 2)
    const send = (): Promise<string> =>
      sender.send([eventOf(1, 0, { version: 2 }), eventOf(3, 3, { version: 2 })]).then(() => 'sent', String)
    const outcomes: string[] = []
    while (!/has no partition 3, it has 2|^sent$/.test(outcomes.at(-1) ?? '')) outcomes.push(await send())
    expect(outcomes).not.toContain('sent')
    await expect.poll(() => said.some((message) => message.includes('too few partitions')), { timeout: 15_000 }).toBe(true)
  })

  test('that were made anew under events in hand are read from their beginning, also by the next holder', async () => {
    const { broker, open } = fresh()
    const { eventStreamer } = open()
    await eventStreamer.ensure(layoutOf())
    const sender = await eventStreamer.newSender()
    const receiver = await receiverOf(eventStreamer)
    await sender.send([1, 2, 3, 4].map((version) => eventOf(1, 0, { version })))
    const inHand = await take(receiver, 4)
    for (const { ack } of inHand.slice(0, 3)) await ack()
    await broker.replace(broker.topicOf(topic), 4)
    // Brokers and clients take a moment to know the new one.
    const more = [5, 6, 7, 8, 9, 10].map((version) => eventOf(1, 0, { version }))
    await expect.poll(() => sender.send(more).then(() => 'sent', String), { timeout: 10_000 }).toBe('sent')
    await expect(receiver.receive({ max: 1, signal: AbortSignal.timeout(20_000) })).rejects.toMatchObject({ code: 'EventsLost' })
    const [first] = await take(receiver, 6)
    await first?.ack()
    await receiver[Symbol.asyncDispose]()
    expect(versionsOf(await take(await receiverOf(open().eventStreamer, 2), 5))).toEqual([6, 7, 8, 9, 10])
  })

  test('that take small batches only get many small events all the same', async () => {
    const { open } = fresh({ topicSettings: { 'max.message.bytes': '1200' } })
    const { eventStreamer } = open()
    await eventStreamer.ensure(layoutOf())
    const sender = await eventStreamer.newSender()
    const events = Array.from({ length: 60 }, (_, n) => eventOf(1, 0, { version: n + 1 }))
    const large = eventOf(2, 1, { traceparent: 'x'.repeat(1_000) })
    const [many, one, few] = await Promise.allSettled([
      sender.send(events),
      sender.send([large]),
      sender.send([eventOf(3, 2), eventOf(3, 2, { version: 2 })]),
    ])
    expect(one).toMatchObject({ status: 'rejected', reason: { code: 'InvalidArgument' } })
    expect([many.status, few.status]).toEqual(['fulfilled', 'fulfilled'])
    const seen = await take(await receiverOf(eventStreamer), 62)
    for (const [slot, count] of [
      [0, 60],
      [2, 2],
    ]) {
      const versions = versionsOf(seen.filter((delivery) => delivery.slot === slot))
      expect([...new Set(versions)]).toEqual(Array.from({ length: count ?? 0 }, (_, n) => n + 1))
    }
  })

  test('that are compacted are refused: they forget events that nobody has read', async () => {
    const { broker, open } = fresh()
    await expect(open({ topicSettings: { 'cleanup.policy': 'compact' } }).eventStreamer.ensure(layoutOf())).rejects.toMatchObject({
      code: 'Configuration',
      message: expect.stringMatching(/cleanup\.policy/),
    })
    const { eventStreamer } = open()
    await eventStreamer.ensure(layoutOf(['orders/paid']))
    const compact = { name: 'cleanup.policy', value: 'compact' }
    await (await broker.admin()).alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name: broker.topicOf('orders/paid'), configEntries: [compact] }],
    })
    await expect
      .poll(() => eventStreamer.ensure(layoutOf(['orders/paid'])).then(() => 'fine', String), { timeout: 10_000 })
      .toContain('cleanup.policy "compact"')
  })

  test.each(['nobody', 'somebody else'])('of cursors that are deleted underneath, and made anew by %s, need no restart', async (maker) => {
    const { broker, open } = fresh()
    const { said, logger } = listener()
    const { eventStreamer } = open({ logger })
    await eventStreamer.ensure(layoutOf())
    const sender = await eventStreamer.newSender()
    const receiver = await receiverOf(eventStreamer)
    await sender.send([1, 2, 3].map((version) => eventOf(1, 0, { version })))
    const inHand = await take(receiver, 3)
    await inHand[0]?.ack()
    const cursors = `${broker.prefix}.cursors`
    if (maker === 'nobody') await (await broker.admin()).deleteTopics({ topics: [cursors] })
    else await broker.replace(cursors, 16, 'compact')
    await expect(receiver.receive({ max: 1, signal: AbortSignal.timeout(20_000) })).rejects.toMatchObject({
      code: 'Fenced',
      details: { slots: expect.arrayContaining([0]) },
    })
    expect(said.filter((message) => message.includes('cursor topic was deleted underneath'))).toHaveLength(1)
    await expect(inHand[1]?.ack()).rejects.toMatchObject({ code: 'Fenced' })
    await receiver.assign(claimsOf(4, 1))
    const again = await take(receiver, 2)
    expect(versionsOf(again)).toEqual([2, 3])
    await again[0]?.ack()
    await receiver[Symbol.asyncDispose]()
    // Whoever comes knows what there is, and where to go on.
    const next = open().eventStreamer
    await (await next.newSender()).send([eventOf(1, 0, { version: 4 })])
    expect(versionsOf(await take(await receiverOf(next, 2), 2))).toEqual([3, 4])
    expect(await next.receivers('orders')).toMatchObject([{ name: 'orders', lag: 2 }])
  })
})
