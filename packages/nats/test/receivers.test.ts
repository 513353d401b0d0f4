/** Receivers: how they are called, claimed, counted and left. */
import { jetstream } from '@nats-io/jetstream'
import { describe, expect, test } from 'vitest'
import { packOf } from '../src/event-pack.ts'
import { claimsOf, ensure, eventOf, eventsOf, openReceiver, refusalOf, send, take, topic, versionsOf, workflowName } from './events.ts'
import { scene } from './scene.ts'
import { freshPrefix, openNats, removeStreams, serverUrl } from './server.ts'

describe.skipIf(serverUrl === undefined)('receivers', { timeout: 30_000 }, () => {
  test('make a newer fence of a slot that they hold known to the server', async () => {
    const { open } = await scene()
    const nats = open()
    await ensure(nats.eventStreamer)
    const receiver = await openReceiver(nats, claimsOf(1n))
    await receiver.assign(claimsOf(3n))
    expect(await refusalOf(openReceiver(open(), claimsOf(2n)))).toMatchObject({ code: 'Fenced', details: { slots: [0, 1, 2, 3] } })
    await send(nats, eventsOf(1))
    for (const { ack } of await take(receiver, 1)) await ack()
  })

  test('refuse calls that make no sense', async () => {
    const { open, manager, prefix } = await scene()
    const nats = open()
    await ensure(nats.eventStreamer)
    const receiver = await openReceiver(nats)
    const stop = new AbortController()
    const { signal } = stop
    expect(await refusalOf(receiver.receive({ max: 0, signal }))).toMatchObject({ code: 'InvalidArgument' })
    const waiting = refusalOf(receiver.receive({ max: 1, signal }))
    expect(await refusalOf(receiver.receive({ max: 1, signal }))).toMatchObject({ code: 'InvalidArgument' })
    stop.abort(new Error('enough'))
    expect(await waiting).toMatchObject({ message: 'enough' })
    const ephemeral = await nats.eventStreamer.newReceiver({ durable: false, workflowName, topics: [topic], from: 'latest' })
    expect(await refusalOf(ephemeral.assign(claimsOf()))).toMatchObject({ code: 'InvalidArgument' })
    await manager.streams.add({ name: `${prefix}_foreign`, subjects: [`${prefix}.foreign`] })
    const source = nats.connector({ stream: `${prefix}_foreign` })
    const fence = { role: 'r', domain: 'd', token: 1n }
    // As from JavaScript.
    for (const from of ['oldest', new Date(Number.NaN)])
      expect(await refusalOf(source.connect({ name: 'a', from: from as 'latest', fence }))).toMatchObject({
        code: 'Configuration',
        message: expect.stringContaining('begins at'),
      })
  })

  test('that have ended leave nobody behind who looks after their stream', async () => {
    const { open, stream, connection } = await scene()
    const prefix = freshPrefix()
    const other = openNats(prefix, { checkFrequency: '200ms' })
    const nats = open()
    for (const one of [nats, other]) await ensure(one.eventStreamer)
    const receiver = await openReceiver(nats)
    await openReceiver(other)
    await receiver[Symbol.asyncDispose]()
    let [asked, askedOther] = [0, 0]
    connection.subscribe('$JS.API.STREAM.INFO.>', {
      callback: (_, { subject }) => {
        if (subject.endsWith(`.${stream}`)) asked++
        else if (subject.includes(`.${prefix}_events`)) askedOther++
      },
    })
    await expect.poll(() => askedOther, { timeout: 10_000 }).toBeGreaterThan(1)
    expect(asked).toBe(0)
    await other.close()
    await removeStreams(prefix)
  })

  test('without a place of their own come by the hundred, and all leave', async () => {
    const { open, manager, stream } = await scene()
    const nats = open()
    await ensure(nats.eventStreamer)
    const options = { durable: false, workflowName, topics: [topic], from: 'latest' } as const
    const all = await Promise.all(Array.from({ length: 300 }, () => nats.eventStreamer.newReceiver(options)))
    await send(nats, eventsOf(1))
    for (const one of all) expect(versionsOf(await take(one, 1))).toEqual([1])
    await Promise.all(all.map((one) => one[Symbol.asyncDispose]()))
    expect((await manager.streams.info(stream)).state.consumer_count).toBe(0)
  })

  test('lag by what each slot has not read, however much lies between a quiet slot and a busy one', async () => {
    const { open, connection, names } = await scene()
    const nats = open()
    await ensure(nats.eventStreamer)
    const receiver = await openReceiver(nats, claimsOf(1n, [0]))
    // A message each, as if they had come one by one.
    const each = eventsOf(600).map((event) => packOf([JSON.stringify(event)]))
    await Promise.all(each.map((message) => jetstream(connection).publish(names.event(workflowName, topic, 0), message)))
    await Promise.all((await take(receiver, 600)).map(({ ack }) => ack()))
    expect(await nats.eventStreamer.receivers(workflowName)).toEqual([{ name: 'steps', topics: [topic], lag: 0 }])
    const before = Date.now()
    await send(nats, [...eventsOf(2, 0, 601), ...eventsOf(3, 1)])
    const [one] = await take(receiver, 2)
    await one?.ack()
    const [behind] = await nats.eventStreamer.receivers(workflowName)
    expect(behind).toMatchObject({ lag: 4 })
    expect(Math.abs(Number(behind?.oldest) - before)).toBeLessThan(10_000)
  })

  test('may be called whatever one likes, and so may topics and workflows', async () => {
    const { open } = await scene()
    const { eventStreamer, ...nats } = open()
    const odd = ['a b', 'a.b', 'ü*>', 'x'.repeat(255), `${'x'.repeat(254)}y`, '../..', '$', 'a\nb']
    for (const name of odd) {
      const topics = odd.map((status) => `${name}/${status}`)
      const receiver = { name: `${name}/runs`, topics, from: 'earliest' } as const
      await eventStreamer.ensure({ workflowName: name, topics, slots: 2, receivers: [receiver] })
      await send(
        { eventStreamer, ...nats },
        topics.map((one) => ({ ...eventOf(1), workflowName: name, topics: [one] })),
      )
      await using reader = await eventStreamer.newReceiver({ ...receiver, durable: true, workflowName: name, claims: claimsOf(1n, [0, 1]) })
      const seen = await take(reader, topics.length)
      expect(seen.map((delivery) => delivery.topic).sort()).toEqual([...topics].sort())
      for (const { ack } of seen) await ack()
      expect(await eventStreamer.receivers(name)).toMatchObject([{ name: receiver.name, lag: 0 }])
    }
  })
})
