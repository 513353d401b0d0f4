/** What is peculiar to Kafka: topics and their settings, foreign bytes, credentials, sizes. */
import { describe, expect, inject, test } from 'vitest'
import { kafkaUser } from '../../../scripts/services/kafka-server.ts'
import { claimsOf, eventOf, layoutOf, topic } from './events.ts'
import { Broker } from './broker.ts'
import { kafka, type KafkaOptions } from '../src/index.ts'
import { closeAfter, fresh, listener, receiverOf, spec, take } from './scene.ts'

const { signal } = new AbortController()

describe.skipIf(Broker.url === undefined)('on Kafka', { timeout: 60_000 }, () => {
  test('records carry the run id as their key, and what tools like to see in headers', async () => {
    const { broker, open } = fresh()
    const { eventStreamer } = open()
    await eventStreamer.ensure(layoutOf())
    await (await eventStreamer.newSender()).send([eventOf(7, 3, { traceparent: '00-a-b-01' }), eventOf(7, 3, { version: 2 })])
    const seen = await broker.read(broker.topicOf(topic))
    expect(seen.map(({ partition, key, headers }) => ({ partition, key: String(key), headers }))).toEqual([
      {
        partition: 3,
        key: 'run-7',
        headers: { 'workflow-run-id': 'run-7', 'workflow-version': '1', 'workflow-schema': '1', traceparent: '00-a-b-01' },
      },
      { partition: 3, key: 'run-7', headers: { 'workflow-run-id': 'run-7', 'workflow-version': '2', 'workflow-schema': '1' } },
    ])
    expect(seen.every(({ timestampMs }) => Math.abs(timestampMs - Date.now()) < 60_000)).toBe(true)
  })

  test('foreign bytes are passed over, counted and logged, hold nothing up, and are not met again', async () => {
    const { broker, open } = fresh()
    const { said, fields, logger } = listener()
    const first = open({ logger })
    await first.eventStreamer.ensure(layoutOf())
    const sender = await first.eventStreamer.newSender()
    const poison = [Buffer.from([0xff, 0xfe]), 'card 4111 1111', '{}', '[]', JSON.stringify({ ...eventOf(1, 0), version: 'x' }), null]
    await sender.send([eventOf(1, 0)])
    await broker.publish(
      broker.topicOf(topic),
      poison.map((value) => ({ key: 'foreign', value, partition: 0 })),
    )
    await sender.send([eventOf(1, 0, { version: 2 })])
    await broker.publish(broker.topicOf(topic), [{ key: 'foreign', value: 'last', partition: 0 }])
    const receiver = await receiverOf(first.eventStreamer)
    const deliveries = await take(receiver, 2)
    expect(deliveries.map(({ event }) => event.version)).toEqual([1, 2])
    await Promise.all(deliveries.map(({ ack }) => ack()))
    const stop = new AbortController()
    const idle = receiver.receive({ max: 1, signal: stop.signal })
    await expect.poll(() => first.stats().skipped, { timeout: 10_000 }).toBe(poison.length + 1)
    stop.abort(new Error('all are past'))
    await expect(idle).rejects.toThrow('all are past')
    expect(said.filter((message) => message === 'a record that is no event was passed over')).toHaveLength(poison.length + 1)
    // A record of somebody else's may hold anything, and a log is read by many.
    expect(fields.join('\n')).toContain('it is no JSON')
    expect(fields.join('\n')).not.toContain('card')
    await receiver[Symbol.asyncDispose]()
    const second = open()
    const again = await receiverOf(second.eventStreamer, 2)
    await sender.send([eventOf(1, 0, { version: 3 })])
    expect((await take(again, 1)).map(({ event }) => event.version)).toEqual([3])
    expect(second.stats().skipped).toBe(0)
  })

  test('receivers leave no consumer group behind', async () => {
    const { broker, open } = fresh()
    const { eventStreamer } = open()
    await eventStreamer.ensure(layoutOf())
    const admin = await broker.admin()
    const before = await admin.listGroups()
    const receivers = [
      await receiverOf(eventStreamer),
      await eventStreamer.newReceiver({ durable: false, workflowName: 'orders', topics: [topic], from: 'latest' }),
    ]
    await (await eventStreamer.newSender()).send([eventOf(1, 0)])
    for (const receiver of receivers) await take(receiver, 1)
    expect(await admin.listGroups()).toEqual(before)
  })

  test('where topics are required, missing ones are named, all at once, and made by hand they will do', async () => {
    const { broker, open } = fresh({ topics: 'require' })
    const { eventStreamer } = open()
    await expect(eventStreamer.ensure(layoutOf())).rejects.toMatchObject({
      code: 'Configuration',
      message: expect.stringContaining(`${broker.prefix}.cursors (16 partitions), ${broker.topicOf(topic)} (4 partitions)`),
    })
    await broker.create(broker.topicOf(topic), 3)
    await broker.create(`${broker.prefix}.cursors`, 2)
    await expect(eventStreamer.ensure(layoutOf())).rejects.toMatchObject({
      code: 'Configuration',
      message: expect.stringContaining('must be compacted'),
    })
    const admin = await broker.admin()
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name: `${broker.prefix}.cursors`, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }],
    })
    await expect
      .poll(() => eventStreamer.ensure(layoutOf()).catch((error: Error) => error.message), { timeout: 10_000 })
      .toContain('has 3 partitions, and workflow "orders" needs one for each of its 4 slots')
    await admin.createPartitions({ topicPartitions: [{ topic: broker.topicOf(topic), count: 4 }] })
    await expect.poll(() => eventStreamer.ensure(layoutOf()).then(() => 'fine', String), { timeout: 10_000 }).toBe('fine')
    await (await eventStreamer.newSender()).send([eventOf(1, 3)])
    expect(await take(await receiverOf(eventStreamer), 1)).toHaveLength(1)
  })

  test('partitions that are added later, to events or to cursors, change nothing', async () => {
    const { broker, open } = fresh({ partitions: 6 })
    const first = open().eventStreamer
    await first.ensure(layoutOf())
    const sender = await first.newSender()
    await sender.send([0, 1, 2, 3].map((slot) => eventOf(slot, slot)))
    const deliveries = await take(await receiverOf(first), 4)
    await Promise.all(deliveries.map(({ ack }) => ack()))
    const admin = await broker.admin()
    const topics = [broker.topicOf(topic), `${broker.prefix}.cursors`]
    expect((await admin.fetchTopicMetadata({ topics })).topics.map(({ partitions }) => partitions.length).sort((a, b) => b - a)).toEqual([
      16, 6,
    ])
    await admin.createPartitions({ topicPartitions: topics.map((name) => ({ topic: name, count: 19 })) })
    await expect
      .poll(async () => (await admin.fetchTopicMetadata({ topics })).topics.every(({ partitions }) => partitions.length === 19))
      .toBe(true)
    const second = open().eventStreamer
    await second.ensure(layoutOf())
    await sender.send([0, 1, 2, 3].map((slot) => eventOf(slot, slot, { version: 2 })))
    const again = await take(await receiverOf(second, 2), 4)
    expect(again.map(({ event }) => event.version)).toEqual([2, 2, 2, 2])
    await expect(receiverOf(open().eventStreamer, 1)).rejects.toMatchObject({ code: 'Fenced' })
  })

  test('a topic that is deleted underneath stops its own events only, until ensure has made it again', async () => {
    const { broker, open } = fresh()
    const { said, logger } = listener()
    const streamer = open({ logger }).eventStreamer
    const other = 'orders/shipped'
    await streamer.ensure(layoutOf([topic, other]))
    const receiver = await streamer.newReceiver({
      ...spec,
      topics: [topic, other],
      durable: true,
      workflowName: 'orders',
      claims: claimsOf(4),
    })
    const sender = await streamer.newSender()
    await sender.send([eventOf(1, 0), eventOf(1, 0, { topics: [other] })])
    for (const { ack } of await take(receiver, 2)) await ack()
    await (await broker.admin()).deleteTopics({ topics: [broker.topicOf(topic)] })
    const code = (error: unknown): unknown => (error as { readonly code: unknown }).code
    await expect.poll(() => sender.send([eventOf(1, 0, { version: 2 })]).catch(code), { timeout: 15_000 }).toBe('Configuration')
    await sender.send([eventOf(1, 0, { version: 2, topics: [other] })])
    let taken = await take(receiver, 1)
    // What was sent while the broker still had the deleted topic may have come, too.
    while (!taken.some((delivery) => delivery.topic === other)) taken = await take(receiver, 1)
    await expect.poll(() => said.some((message) => message.includes('does not exist any more')), { timeout: 15_000 }).toBe(true)
    await streamer.ensure(layoutOf([topic, other]))
    await expect.poll(() => sender.send([eventOf(1, 0, { version: 3 })]).then(() => 'sent', String), { timeout: 10_000 }).toBe('sent')
    await expect(receiver.receive({ max: 1, signal: AbortSignal.timeout(20_000) })).rejects.toMatchObject({
      code: 'EventsLost',
      details: { topic, slot: 0 },
    })
    expect((await take(receiver, 1)).map(({ event }) => event.version)).toEqual([3])
  })

  test('an event that is larger than its topic takes is refused, and hinders no other', async () => {
    const { open } = fresh({ topicSettings: { 'max.message.bytes': '2000' } })
    const streamer = open().eventStreamer
    await streamer.ensure(layoutOf())
    const sender = await streamer.newSender()
    await expect(
      sender.send([
        eventOf(1, 0, {
          foreignId: 'x'.repeat(255),
          traceparent: 'y'.repeat(1_000),
          previousStatus: 'z'.repeat(255),
          status: 'ü'.repeat(255),
        }),
      ]),
    ).rejects.toMatchObject({
      code: 'InvalidArgument',
      message: expect.stringContaining('max.message.bytes'),
    })
    await sender.send([eventOf(2, 0)])
    expect((await take(await receiverOf(streamer), 1)).map(({ event }) => event.runId)).toEqual(['run-2'])
  })

  test('many events of one slot are split into what brokers take', async () => {
    const streamer = fresh().open().eventStreamer
    await streamer.ensure(layoutOf())
    const events = Array.from({ length: 5_000 }, (_, n) => eventOf(1, 0, { version: n + 1 }))
    await (await streamer.newSender()).send(events)
    const taken = await take(await receiverOf(streamer), events.length)
    expect(taken.map(({ event }) => event.version)).toEqual(events.map(({ version }) => version))
  })

  test('more replicas than brokers are refused with the words of Kafka', async () => {
    const streamer = fresh({ replicationFactor: 3 }).open().eventStreamer
    await expect(streamer.ensure(layoutOf())).rejects.toMatchObject({
      code: 'Configuration',
      message: expect.stringMatching(/replication/i),
    })
  })

  test('a broker that is not there is said to be so, and trying again can help', async () => {
    const adapter = kafka({ brokers: ['127.0.0.1:1'] })
    closeAfter(adapter)
    const refused = { code: 'StoreUnavailable', retryable: true, message: expect.stringContaining('is Kafka up') }
    await expect(adapter.eventStreamer.ensure(layoutOf())).rejects.toMatchObject(refused)
    await expect(adapter.eventStreamer.receivers('orders')).rejects.toMatchObject(refused)
    const sender = await adapter.eventStreamer.newSender()
    await expect(sender.send([eventOf(1, 0)])).rejects.toMatchObject(refused)
    await expect(
      adapter.connector({ topic: 'x' }).connect({ name: 'x', from: 'latest', fence: { role: 'r', domain: 'd', token: 1n } }),
    ).rejects.toMatchObject(refused)
  })

  test('a connector on a topic that does not exist says so, and records that cannot be decoded are passed over', async () => {
    const { broker, open } = fresh()
    const adapter = open()
    const fence = { role: 'r', domain: 'd', token: 1n }
    await expect(
      adapter.connector({ topic: `${broker.prefix}-nix` }).connect({ name: 'x', from: 'earliest', fence }),
    ).rejects.toMatchObject({ code: 'Configuration', message: expect.stringContaining('-nix') })
    const foreign = await broker.foreignTopic(1)
    await broker.publish(foreign, [{ value: 'one' }, { value: Buffer.from([0xff]) }, { value: '{"n":1}' }, { key: 'k', value: null }])
    const receiver = await adapter.connector({ topic: foreign }).connect({ name: 'x', from: 'earliest', fence })
    const taken: unknown[] = []
    while (taken.length < 2)
      taken.push(...(await receiver.receive({ max: 9, signal })).map(({ event: { id, key, value } }) => [id, key, value]))
    expect(taken).toEqual([
      [`${foreign}/0/2`, '', { n: 1 }],
      [`${foreign}/0/3`, 'k', null],
    ])
    expect(adapter.stats().skipped).toBe(2)
    const texts = await adapter
      .connector({ topic: foreign, decode: (value) => new TextDecoder().decode(value) })
      .connect({ name: 'y', from: 'earliest', fence })
    expect((await texts.receive({ max: 1, signal })).map(({ event }) => event.value)).toEqual(['one'])
  })

  test.skipIf(inject('kafkaSecure') === undefined)('passwords go over TLS, and wrong ones are refused', async () => {
    const secure = inject('kafkaSecure')
    if (secure === undefined) return
    const { broker } = fresh()
    const open = (sasl: KafkaOptions['sasl'], ssl: KafkaOptions['ssl'] = { ca: secure.ca }) => {
      const adapter = kafka({
        brokers: [secure.url],
        prefix: broker.prefix,
        ...(ssl === undefined ? {} : { ssl }),
        ...(sasl === undefined ? {} : { sasl }),
      })
      closeAfter(adapter)
      return adapter.eventStreamer
    }
    const right = { mechanism: 'plain' as const, ...kafkaUser }
    const streamer = open(right)
    await streamer.ensure(layoutOf())
    await (await streamer.newSender()).send([eventOf(1, 0)])
    expect(await take(await receiverOf(streamer), 1)).toHaveLength(1)
    // A copy of what has logged in before has nothing of that with it.
    const refused = { code: 'Configuration', message: expect.stringContaining('look at sasl, ssl and what the user may do') }
    await expect(open({ ...right, password: 'wrong' }).ensure(layoutOf())).rejects.toMatchObject(refused)
    const untrusted = { code: 'Configuration', message: expect.stringMatching(/certificate.*look at sasl, ssl/) }
    await expect(open(right, true).ensure(layoutOf())).rejects.toMatchObject(untrusted)
    // Where nobody asks for a password.
    const plain = kafka({ brokers: broker.brokers, prefix: broker.prefix, sasl: right })
    closeAfter(plain)
    await expect(plain.eventStreamer.ensure(layoutOf())).rejects.toMatchObject(refused)
  })
})
