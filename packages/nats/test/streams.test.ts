/** What is on the server: streams and their limits, consumers, what is deleted and what is lost. */
import { jetstream, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import { describe, expect, onTestFinished, test } from 'vitest'
import { claimsOf, ensure, eventsOf, openReceiver, refusalOf, send, slots, spec, take, topic, versionsOf, workflowName } from './events.ts'
import { scene } from './scene.ts'
import { openNats, overridden, replaceStream, serverUrl } from './server.ts'

const nanos = 1_000_000

describe.skipIf(serverUrl === undefined)('streams', { timeout: 30_000 }, () => {
  test('are created with the options, and brought to them when those change', async () => {
    const { open, manager, stream } = await scene()
    await ensure(open({ maxAge: '1h', maxBytes: 2_000_000 }).eventStreamer)
    const before = (await manager.streams.info(stream)).config
    expect(before).toMatchObject({ max_age: 3_600_000 * nanos, max_bytes: 2_000_000, storage: StorageType.File, num_replicas: 1 })
    const nats = open({ maxAge: '2h' })
    await ensure(nats.eventStreamer)
    const after = (await manager.streams.info(stream)).config
    expect(after).toMatchObject({ max_age: 7_200_000 * nanos, max_bytes: -1, subjects: before.subjects })
    await send(nats, eventsOf(2))
    expect(versionsOf(await take(await openReceiver(nats), 2))).toEqual([1, 2])
  })

  test('of others with other limits stay as they are where create is false, and a missing one is refused', async () => {
    const { open, manager, stream } = await scene()
    expect(await refusalOf(ensure(open({ create: false }).eventStreamer))).toMatchObject({
      code: 'Configuration',
      message: expect.stringMatching(
        /_state does not exist, and create is false: create it with the subjects t-.*\.state\.>, or leave create out$/,
      ),
    })
    await ensure(open({ maxAge: '1h' }).eventStreamer)
    await ensure(open({ create: false, maxAge: '2h' }).eventStreamer)
    expect((await manager.streams.info(stream)).config.max_age).toBe(3_600_000 * nanos)
  })

  test('that cannot hold events are refused, with the reason', async () => {
    const { open, manager, stream, names } = await scene()
    const subjects = [...names.eventSubjects(workflowName)]
    await manager.streams.add({ name: stream, subjects, retention: RetentionPolicy.Interest })
    expect(await refusalOf(ensure(open().eventStreamer))).toMatchObject({
      code: 'Configuration',
      message: `the stream ${stream} cannot be used: its retention is interest, which deletes events under other receivers: it must be limits; delete it, or choose another prefix`,
    })
    await replaceStream(manager, { name: stream, subjects: ['elsewhere'] })
    expect((await refusalOf(ensure(open().eventStreamer))).message).toContain('its subjects are elsewhere, and must be')
    await manager.streams.delete(stream)
    expect(await refusalOf(ensure(open({ replicas: 3 }).eventStreamer))).toMatchObject({
      code: 'Configuration',
      message: expect.stringMatching(
        /cannot be (created|given another num_replicas): .*replicas > 1 not supported.*change the options replicas/,
      ),
    })
  })

  test('keep what somebody has not acknowledged, and lose the rest after a while', async () => {
    const { open, manager, stream } = await scene()
    const nats = open({ keep: '300ms' })
    const slow = { ...spec, name: 'slow' }
    await ensure(nats.eventStreamer, [spec, slow])
    const receiver = await openReceiver(nats)
    const other = await openReceiver(nats, undefined, slow)
    // A call each, for a message each.
    for (const event of eventsOf(10)) await send(nats, [event])
    for (const { ack } of await take(receiver, 10)) await ack()
    const held = await take(other, 10)
    for (const { ack } of held.slice(0, 4)) await ack()
    const first = async (): Promise<number> => (await manager.streams.info(stream)).state.first_seq
    await expect.poll(first, { timeout: 10_000 }).toBe(5)
    for (const { ack } of held.slice(4)) await ack()
    await send(nats, eventsOf(1, 0, 11))
    for (const { ack } of [...(await take(other, 1)), ...(await take(receiver, 1))]) await ack()
    await expect.poll(first, { timeout: 10_000 }).toBeGreaterThan(10)
    await other[Symbol.asyncDispose]()
    expect(versionsOf(await take(await nats.eventStreamer.newReceiver({ durable: true, workflowName, ...slow, claims: [] }), 0))).toEqual(
      [],
    )
  })

  test('that dropped unread events under a receiver at work tell it once, for each topic and slot that had some', {
    timeout: 60_000,
  }, async () => {
    const { open, manager, stream } = await scene()
    const nats = open()
    await ensure(nats.eventStreamer)
    const receiver = await openReceiver(nats)
    await send(nats, [...eventsOf(3, 1), ...eventsOf(3, 2)])
    await take(receiver, 6)
    // More than a receiver keeps: the rest waits on the server.
    for (let from = 4; from < 6_000; from += 1_000) await send(nats, eventsOf(1_000, 1, from))
    for (let n = 0; n < 600; n++) await send(nats, eventsOf(20, 1, 6_004 + n * 20))
    const { state } = await manager.streams.info(stream)
    await manager.streams.purge(stream, { seq: state.last_seq })
    await send(nats, eventsOf(1, 2, 4))
    const lost: unknown[] = []
    const seen: string[] = []
    while (!seen.includes('2/4') || lost.length < 2) {
      try {
        for (const { event, slot } of await receiver.receive({ max: 1_000, signal: AbortSignal.timeout(10_000) }))
          seen.push(`${slot}/${event.version}`)
      } catch (error) {
        const { code, details } = error as { readonly code: unknown; readonly details: Readonly<Record<string, unknown>> }
        expect(code).toBe('EventsLost')
        lost.push([details['topic'], details['slot']])
      }
    }
    expect(lost).toEqual([
      [topic, 1],
      [topic, 2],
    ])
  })

  test('know the newest fence of a slot that its holder gave back and took again', async () => {
    const nats = (await scene()).open()
    await ensure(nats.eventStreamer)
    const receiver = await openReceiver(nats, claimsOf(1n, [0]))
    await receiver.assign([])
    await receiver.assign(claimsOf(3n, [0]))
    expect(await refusalOf(openReceiver(nats, claimsOf(2n, [0])))).toMatchObject({ code: 'Fenced', details: { slots: [0] } })
    await send(nats, eventsOf(1))
    for (const { ack } of await take(receiver, 1)) await ack()
  })

  test('that are read while they are looked after are not taken for shrunken ones', async () => {
    const { connection, prefix } = await scene()
    let looks = 0
    // The stream answers how it was, and by then more of it has been read.
    const slow: typeof connection.request = async (subject, ...rest) => {
      const answer = await connection.request(subject, ...rest)
      if (subject.includes('STREAM.INFO') && looking) {
        const before = seen
        await expect.poll(() => seen, { timeout: 5_000 }).toBeGreaterThan(before + 3)
        looks++
      }
      return answer
    }
    let looking = false
    let seen = 0
    const nats = openNats(prefix, { connection: overridden(connection, { request: slow }), checkFrequency: '100ms' })
    onTestFinished(() => nats.close())
    await ensure(nats.eventStreamer)
    const receiver = await openReceiver(nats)
    looking = true
    for (let version = 1; looks < 3; version++) {
      await send(nats, eventsOf(1, 0, version))
      expect(versionsOf(await take(receiver, 1))).toEqual([version])
      seen++
    }
  })

  test('that are deleted underneath come again, and receivers are told', async () => {
    const { open, manager, stream } = await scene()
    const errors: string[] = []
    const note = (_: object, message: string): void => void errors.push(message)
    const nats = open({ logger: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: note } })
    await ensure(nats.eventStreamer)
    const receiver = await openReceiver(nats)
    await send(nats, eventsOf(3))
    for (const { ack } of await take(receiver, 3)) await ack()
    await manager.streams.delete(stream)
    await send(nats, eventsOf(1, 0, 4))
    expect(errors).toEqual(['the stream was deleted underneath; creating it again'])
    expect(await refusalOf(take(receiver, 1))).toMatchObject({ code: 'EventsLost', details: { topic, slot: 0 } })
    expect(versionsOf(await take(receiver, 1))).toEqual([4])
    await receiver[Symbol.asyncDispose]()
    expect(versionsOf(await take(await openReceiver(nats), 1))).toEqual([4])
  })

  test('have as many consumers as a receiver has topics, however its slots come, and none when it has ended', async () => {
    const { open, manager, stream } = await scene()
    const nats = open()
    const topics = Array.from({ length: 6 }, (_, n) => `orders/${n}`)
    const of = { ...spec, topics }
    await ensure(nats.eventStreamer, [of], topics)
    const consumers = async (): Promise<number> => (await manager.streams.info(stream)).state.consumer_count
    const receiver = await openReceiver(nats, [], of)
    const all = Array.from({ length: slots }, (_, slot) => ({ slot, fence: { role: `orders/${slot}`, domain: 'test', token: 1n } }))
    for (let count = 1; count <= slots; count++) await receiver.assign(all.slice(0, count))
    await expect.poll(consumers).toBe(topics.length)
    const ephemeral = await nats.eventStreamer.newReceiver({ durable: false, workflowName, topics, from: 'latest' })
    await expect.poll(consumers).toBe(topics.length * 2)
    await ephemeral[Symbol.asyncDispose]()
    await receiver[Symbol.asyncDispose]()
    expect(await consumers()).toBe(0)
  })

  test('with bytes of somebody else: they are left out, said, and hold nothing up', async () => {
    const { open, connection, names } = await scene()
    const said: object[] = []
    const ignore = (): void => undefined
    const nats = open({ logger: { debug: ignore, info: ignore, warn: ignore, error: (fields) => void said.push(fields) } })
    await ensure(nats.eventStreamer)
    await send(nats, eventsOf(1))
    for (const text of ['not json', '{}', '[1]', '[{"v":2}]', ''])
      await jetstream(connection).publish(names.event(workflowName, topic, 0), text)
    await send(nats, eventsOf(1, 0, 2))
    const taken = await take(await openReceiver(nats), 2)
    expect(versionsOf(taken)).toEqual([1, 2])
    expect(said).toHaveLength(5)
    expect(said[0]).toMatchObject({ subject: names.event(workflowName, topic, 0), sequence: 2, error: { code: 'StoreCorrupt' } })
    // The cursor goes past them.
    for (const { ack } of taken) await ack()
    expect((await nats.eventStreamer.receivers(workflowName))[0]).toEqual({ name: 'steps', topics: [topic], lag: 0 })
  })
})
