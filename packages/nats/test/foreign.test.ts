/** What others do to the streams, subjects and connections that a worker uses. */
import { StorageType } from '@nats-io/jetstream'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ensure, eventsOf, openReceiver, refusalOf, send, spec, take, versionsOf, workflowName } from './events.ts'
import { scene } from './scene.ts'
import { connectTo, openNats, replaceStream, serverUrl } from './server.ts'

const ignore = (): void => undefined

describe.skipIf(serverUrl === undefined)('somebody else', { timeout: 30_000 }, () => {
  test('who writes whatever it likes where holders are announced harms nobody', async () => {
    const { prefix, connection, names } = await scene()
    const own = await connectTo()
    const nats = openNats(prefix, { connection: own })
    onTestFinished(async () => {
      await nats.close()
      await own.close()
    })
    await ensure(nats.eventStreamer)
    const receiver = await openReceiver(nats)
    for (const text of ['not json', 'null', '1', '{}', '{"holder":""}', '{"holder":"x","slots":"all"}', '{"holder":"x","slots":[99,"x"]}'])
      connection.publish(names.notice('receiver', spec.name), text)
    await connection.flush()
    await send(nats, eventsOf(1))
    expect(versionsOf(await take(receiver, 1))).toEqual([1])
    expect(own.stats().inMsgs).toBeGreaterThan(0)
  })

  test('who has made a stream with another storage, or one that answers nobody, is told of', async () => {
    const { open, manager, stream, names } = await scene()
    await ensure(open({ storage: 'memory' }).eventStreamer)
    expect((await manager.streams.info(stream)).config.storage).toBe(StorageType.Memory)
    expect(await refusalOf(ensure(open().eventStreamer))).toMatchObject({
      code: 'Configuration',
      message: expect.stringMatching(/cannot be given another storage: .*change the options replicas, storage/),
    })
    await replaceStream(manager, { name: stream, subjects: [...names.eventSubjects(workflowName)], no_ack: true })
    expect((await refusalOf(ensure(open({ storage: 'memory' }).eventStreamer))).message).toContain('with no_ack it never says')
  })

  test('who lets a stream take small messages only gets many small events all the same', async () => {
    const { open, manager, stream } = await scene()
    await ensure(open().eventStreamer)
    const { config } = await manager.streams.info(stream)
    await manager.streams.update(stream, { ...config, max_msg_size: 1_000 })
    const nats = open({ create: false })
    const all = Array.from({ length: 60 }, (_, n) => n + 1)
    // Whoever has looked at the stream keeps the order; who learns its limit on the way may send some of them early and again.
    await send(nats, eventsOf(60))
    await ensure(nats.eventStreamer)
    await send(nats, eventsOf(60, 1))
    const receiver = await openReceiver(nats)
    const seen = new Map<number, number[]>([0, 1].map((slot) => [slot, []]))
    while (seen.get(0)?.at(-1) !== 60 || seen.get(1)?.at(-1) !== 60)
      for (const { slot, event } of await take(receiver, 1)) seen.get(slot)?.push(event.version)
    expect([...new Set(seen.get(0))].sort((a, b) => a - b)).toEqual(all)
    expect(seen.get(1)).toEqual(all)
    const [event] = eventsOf(1, 2)
    if (event !== undefined)
      expect(await refusalOf(send(nats, [{ ...event, traceparent: 'x'.repeat(900) }]))).toMatchObject({
        code: 'InvalidArgument',
        message: expect.stringContaining('max_msg_size of the stream'),
      })
  })

  test('who deletes the stream of cursors makes holders claim anew, and nobody needs to be restarted', async () => {
    const { open, manager, names } = await scene()
    const said: string[] = []
    const nats = open({ logger: { debug: ignore, info: ignore, warn: ignore, error: (_, message) => void said.push(message) } })
    await ensure(nats.eventStreamer)
    const receiver = await openReceiver(nats)
    await send(nats, eventsOf(2))
    for (const { ack } of await take(receiver, 2)) await ack()
    await manager.streams.delete(names.stateStream)
    await send(nats, eventsOf(1, 0, 3))
    const [third] = await take(receiver, 1)
    expect(await refusalOf(third?.ack() ?? Promise.resolve())).toMatchObject({ code: 'Fenced' })
    expect(said).toEqual(['the stream of cursors was deleted underneath; creating it again'])
    const again = await openReceiver(nats)
    for (const { ack } of await take(again, 3)) await ack()
    expect(await nats.eventStreamer.receivers(workflowName)).toMatchObject([{ name: spec.name, lag: 0 }])
  })

  test('whose connection it is keeps it, also from an adapter that is closed while it begins', async () => {
    const { prefix, connection } = await scene()
    const opened = openNats(prefix, { connection })
    const ensuring = refusalOf(ensure(opened.eventStreamer))
    await opened.close()
    expect(await ensuring).toMatchObject({ code: 'Stopped' })
    expect(connection.isClosed()).toBe(false)
    // What waits for news of the connection ends with each adapter, too.
    const status = connection.status.bind(connection)
    const ends: unknown[] = []
    connection.status = () => {
      const statuses = status()
      // The cast holds for the client's own lists of what has come.
      ends.push((statuses as unknown as { readonly iterClosed: Promise<unknown> }).iterClosed)
      return statuses
    }
    const second = openNats(prefix, { connection })
    await ensure(second.eventStreamer)
    await second.close()
    expect(ends).toHaveLength(1)
    await Promise.all(ends)
  })
})
