/** Streams of somebody else, as connectors find them. */
import type { ForeignEvent } from '@workflow/core/adapter'
import { jetstream, jetstreamManager, type JetStreamManager, RetentionPolicy } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { inspect } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Nats, NatsConnectorOptions } from '../src/index.ts'
import { refusalOf } from './events.ts'
import { connectTo, freshPrefix, openNats, removeStreams, replaceStream, serverUrl } from './server.ts'

interface Scene {
  readonly stream: string
  readonly subject: (name: string) => string
  readonly connection: NatsConnection
  readonly manager: JetStreamManager
  readonly nats: Nats
}

const ignore = (): void => undefined

async function scene(retention: RetentionPolicy = RetentionPolicy.Limits): Promise<Scene> {
  const prefix = freshPrefix()
  const connection = await connectTo()
  const manager = await jetstreamManager(connection)
  const stream = `${prefix}_foreign`
  await manager.streams.add({ name: stream, subjects: [`${prefix}.>`], retention })
  const nats = openNats(freshPrefix(), { checkFrequency: '200ms', logger: { debug: ignore, info: ignore, warn: ignore, error: ignore } })
  onTestFinished(async () => {
    await nats.close()
    await connection.close()
    await removeStreams(prefix)
  })
  return { stream, subject: (name) => `${prefix}.${name}`, connection, manager, nats }
}

const fence = { role: 'connector/payments', domain: 'test', token: 1n }
const connect = { name: 'payments', from: 'earliest', fence } as const

async function read({ nats, stream }: Scene, options: Partial<NatsConnectorOptions>, count: number): Promise<readonly ForeignEvent[]> {
  await using receiver = await nats.connector({ stream, ...options }).connect(connect)
  const events: ForeignEvent[] = []
  const signal = AbortSignal.timeout(10_000)
  while (events.length < count) for (const { event } of await receiver.receive({ max: 100, signal })) events.push(event)
  return events
}

describe.skipIf(serverUrl === undefined)('a foreign stream', { timeout: 30_000 }, () => {
  test('is read as its messages are: by number, subject and JSON, without the headers of the server', async () => {
    const at = await scene()
    const all = headers()
    all.set('trace', 'a')
    await jetstream(at.connection).publish(at.subject('paid.1'), '{"sum":3}', { headers: all, msgID: 'm1' })
    expect(await read(at, {}, 1)).toEqual([
      { id: `${at.stream}:1`, key: at.subject('paid.1'), value: { sum: 3 }, at: expect.any(Date), headers: { trace: 'a' } },
    ])
  })

  test('gives bytes that are no JSON as they are, and what a decoder refuses is left out', async () => {
    const at = await scene()
    for (const text of ['{', '1', 'two']) await jetstream(at.connection).publish(at.subject('paid'), text)
    const values = (await read(at, {}, 3)).map(({ value }) => value)
    expect(values.map((value) => (value instanceof Uint8Array ? ['bytes', Buffer.from(value).toString()] : value))).toEqual([
      ['bytes', '{'],
      1,
      ['bytes', 'two'],
    ])
    const decode: NatsConnectorOptions['decode'] = ({ data }) => JSON.parse(Buffer.from(data).toString())
    expect((await read(at, { decode }, 1)).map(({ value }) => value)).toEqual([1])
  })

  test('is not quoted in the log where a decoder refuses a message', async () => {
    const at = await scene()
    const lines: object[] = []
    const nats = openNats(freshPrefix(), { logger: { debug: ignore, info: ignore, warn: ignore, error: (fields) => lines.push(fields) } })
    onTestFinished(() => nats.close())
    for (const text of ['hunter2', '1']) await jetstream(at.connection).publish(at.subject('paid'), text)
    const decode: NatsConnectorOptions['decode'] = ({ data }) => {
      const text = Buffer.from(data).toString()
      if (text !== '1') throw Object.assign(new Error('no sum'), { text, cause: { text } })
      return Number(text)
    }
    expect((await read({ ...at, nats }, { decode }, 1)).map(({ value }) => value)).toEqual([1])
    expect(lines).toMatchObject([{ sequence: 1, error: { message: 'no sum' } }])
    expect(inspect(lines, { depth: 10 })).not.toContain('hunter2')
  })

  test('is filtered by the server, and keys and ids may come from the message', async () => {
    const at = await scene()
    for (const name of ['paid.1', 'sent.1', 'paid.2']) await jetstream(at.connection).publish(at.subject(name), JSON.stringify(name))
    const options: Partial<NatsConnectorOptions> = {
      subjects: [at.subject('paid.*')],
      key: ({ subject }) => subject.split('.').at(-1) ?? '',
      id: ({ seq }) => `no ${seq}`,
    }
    expect((await read(at, options, 2)).map(({ id, key, value }) => [id, key, value])).toEqual([
      ['no 1', '1', 'paid.1'],
      ['no 3', '2', 'paid.2'],
    ])
  })

  test('that dropped unread messages while nobody read is told', async () => {
    const at = await scene()
    const publish = (value: number): Promise<unknown> => jetstream(at.connection).publish(at.subject('paid'), String(value))
    await publish(1)
    await read(at, {}, 1)
    await publish(2)
    await at.manager.streams.purge(at.stream, { keep: 1 })
    expect(await refusalOf(read(at, {}, 1))).toMatchObject({ code: 'EventsLost' })
  })

  test('that is deleted and made anew under a reader is told, and read from its beginning', async () => {
    const at = await scene()
    const publish = (value: number): Promise<unknown> => jetstream(at.connection).publish(at.subject('paid'), String(value))
    for (const value of [1, 2, 3]) await publish(value)
    await using receiver = await at.nats.connector({ stream: at.stream }).connect(connect)
    const signal = AbortSignal.timeout(20_000)
    for (let count = 0; count < 3; ) count += (await receiver.receive({ max: 10, signal })).length
    const { config } = await at.manager.streams.info(at.stream)
    await replaceStream(at.manager, config)
    await publish(4)
    expect(await refusalOf(receiver.receive({ max: 10, signal }))).toMatchObject({ code: 'EventsLost' })
    expect((await receiver.receive({ max: 10, signal })).map(({ event }) => event.value)).toEqual([4])
  })

  test('that is not there, or is a work queue, is refused with the way out', async () => {
    const at = await scene(RetentionPolicy.Workqueue)
    expect(await refusalOf(at.nats.connector({ stream: 'nothing-like-it' }).connect(connect))).toMatchObject({
      code: 'Configuration',
      message: 'there is no stream "nothing-like-it": its owner must create it, or correct the name',
    })
    expect((await refusalOf(at.nats.connector({ stream: at.stream }).connect(connect))).message).toContain('is a work queue')
  })
})
