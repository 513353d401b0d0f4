/** Servers that are away, die, hang or refuse, each a server of the test's own. */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { describe, expect, onTestFinished, test } from 'vitest'
import { natsBinaries, isTooOld } from '../../../scripts/services/nats-binaries.ts'
import { FaultProxy } from '../../postgres/test/faults/fault-proxy.ts'
import { type NatsServer, type NatsStartOptions, startNats, startNatsCluster } from '../../../scripts/services/nats-server.ts'
import { type Nats, nats, type NatsOptions } from '../src/index.ts'
import { ensure, eventOf, eventsOf, openReceiver, refusalOf, send, slots, spec, take, versionsOf, workflowName } from './events.ts'
import { canStart, connectTo, overridden } from './server.ts'

async function started(options: NatsStartOptions = {}): Promise<NatsServer> {
  const server = await startNats(options)
  onTestFinished(() => server.remove())
  return server
}

function opened(options: NatsOptions): Nats {
  const one = nats({ requestTimeout: '1s', checkFrequency: '300ms', logger: silent, ...options })
  onTestFinished(() => one.close())
  return one
}

const ignore = (): void => undefined
// What fails while a server is away is no wonder.
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore }

describe.skipIf(!canStart)('connections that go silent', { timeout: 60_000 }, () => {
  test.concurrent.each(['requests', 'replies'] as const)('in the direction of %s are given up, and work goes on', async (direction) => {
    const server = await startNats()
    const proxy = await FaultProxy.before(server.url)
    const one = nats({ servers: proxy.url, requestTimeout: '1s', logger: silent })
    try {
      await ensure(one.eventStreamer)
      const receiver = await openReceiver(one)
      await send(one, [eventOf(1)])
      for (const delivery of await take(receiver, 1)) await delivery.ack()
      proxy.swallow(direction)
      const beganAt = performance.now()
      const other = nats({ servers: server.url, logger: silent })
      await send(other, [eventOf(2)])
      await other.close()
      expect(versionsOf(await take(receiver, 1))).toEqual([2])
      await expect.poll(() => send(one, [eventOf(3)]).then(() => 'sent', String), { timeout: 15_000 }).toBe('sent')
      // Nine seconds, and what it takes to be there again.
      expect(performance.now() - beganAt).toBeLessThan(20_000)
    } finally {
      await one.close()
      await proxy[Symbol.asyncDispose]()
      server.remove()
    }
  })
})

describe.skipIf(!canStart)('a server', { timeout: 60_000 }, () => {
  test('that is not there is StoreUnavailable, and the next call finds it when it has come', async () => {
    const server = await started()
    await server.stop()
    const one = opened({ servers: server.url })
    expect(await refusalOf(ensure(one.eventStreamer))).toMatchObject({
      code: 'StoreUnavailable',
      retryable: true,
      message: expect.stringMatching(/^connecting to nats:\/\/127\.0\.0\.1:\d+: NATS cannot be reached or does not answer: /),
    })
    await server.start()
    await ensure(one.eventStreamer)
  })

  test('that does not know the credentials is Configuration, and the password is in no message', async () => {
    const server = await started({ settings: 'authorization { user: app, password: secret }' })
    const { host } = new URL(server.url)
    const wrong = await refusalOf(ensure(opened({ servers: `nats://app:wrong-word@${host}` }).eventStreamer))
    expect(wrong).toMatchObject({ code: 'Configuration' })
    expect(wrong.message).toMatch(/NATS does not let this client in: check the credentials in the option connect/)
    expect(wrong.message).not.toContain('wrong-word')
    await ensure(opened({ servers: server.url, connect: { user: 'app', pass: 'secret' } }).eventStreamer)
    await ensure(opened({ servers: `nats://app:secret@${host}` }).eventStreamer)
  })

  test('lets a user work who may do what the README lists, and says what is missing to one who may not', async () => {
    const rights = (publish: string): string => `publish: [${publish}], subscribe: ["workflow.notice.>", "_INBOX.>"]`
    const user = (name: string, publish: string): string => `{ user: ${name}, password: secret, permissions: { ${rights(publish)} } }`
    const users = [user('app', '"workflow.>", "$JS.API.>"'), user('other', '"other.>", "$JS.API.>"')].join(', ')
    const server = await started({ settings: `authorization { users: [${users}] }` })
    const one = opened({ servers: server.url, connect: { user: 'app', pass: 'secret' } })
    await ensure(one.eventStreamer)
    await send(one, eventsOf(2))
    const receiver = await openReceiver(one)
    for (const { ack } of await take(receiver, 2)) await ack()
    expect((await one.eventStreamer.receivers(workflowName))[0]?.lag).toBe(0)
    const refused = await refusalOf(send(opened({ servers: server.url, connect: { user: 'other', pass: 'secret' } }), eventsOf(1)))
    expect(refused).toMatchObject({
      code: 'Configuration',
      message: expect.stringMatching(
        /this user may not publish "workflow\.event\.orders\.orders=2fcreated\.0": grant it what the README of @workflow\/nats lists$/,
      ),
    })
  })

  test('without JetStream is Configuration', async () => {
    const server = await started({ settings: 'accounts { A { users: [{ user: app, password: secret }] } }' })
    expect(await refusalOf(ensure(opened({ servers: server.url, connect: { user: 'app', pass: 'secret' } }).eventStreamer))).toMatchObject({
      code: 'Configuration',
      message: expect.stringMatching(/JetStream is off, on the server or for this account: start nats-server with -js/),
    })
  })

  test('that is too old is Configuration, with its version and the one that is needed', async () => {
    const server = await started()
    const connection = await connectTo(server.url)
    onTestFinished(() => connection.close())
    const old = overridden(connection, { info: { ...connection.info, version: '2.9.25' } as NonNullable<typeof connection.info> })
    const refusal = {
      code: 'Configuration',
      message: expect.stringMatching(/this server is NATS 2\.9\.\d+, and @workflow\/nats needs 2\.10 or newer/),
    }
    expect(await refusalOf(ensure(opened({ connection: old }).eventStreamer))).toMatchObject(refusal)
    const real = natsBinaries().find(isTooOld)
    if (real === undefined) console.error('SKIPPED with a real old server: there is no nats-server below 2.10 in PATH')
    else
      expect(await refusalOf(ensure(opened({ servers: (await started({ program: real.program })).url }).eventStreamer))).toMatchObject(
        refusal,
      )
  })

  test('refuses an event that is over its size limit, by name, and takes those that fit', async () => {
    const server = await started({ settings: 'max_payload: 2KB' })
    const one = opened({ servers: server.url })
    await ensure(one.eventStreamer)
    const long = { ...eventOf(1, 0, 'long'), traceparent: 'x'.repeat(1_000), previousStatus: 'y'.repeat(255), status: 'ж'.repeat(255) }
    expect(await refusalOf(send(one, [long]))).toMatchObject({
      code: 'InvalidArgument',
      message: expect.stringMatching(
        /^the event of run "long" has \d+ bytes, and a message may have 1536: raise max_payload of the server, or max_msg_size of the stream$/,
      ),
    })
    await send(one, eventsOf(200))
    expect(versionsOf(await take(await openReceiver(one), 200))).toEqual(Array.from({ length: 200 }, (_, n) => n + 1))
  })

  test('that is killed and comes back loses nothing that was sent, and every run keeps its order', async () => {
    const server = await started({ durable: true })
    const one = opened({ servers: server.url })
    await ensure(one.eventStreamer)
    const receiver = await openReceiver(one)
    const heard = new Map<string, number>()
    const reading = (async () => {
      while ([...heard.values()].filter((version) => version === 200).length < slots)
        for (const { event, ack } of await receiver.receive({ max: 100, signal: AbortSignal.timeout(40_000) })) {
          const last = heard.get(event.runId) ?? 0
          expect(event.version).toBeLessThanOrEqual(last + 1)
          heard.set(event.runId, Math.max(last, event.version))
          void ack().catch(() => undefined)
        }
    })()
    await using sender = await one.eventStreamer.newSender()
    for (let version = 1; version <= 200; version++) {
      const events = Array.from({ length: slots }, (_, slot) => eventOf(version, slot))
      // As the relay does: what failed is sent again.
      while ((await sender.send(events).catch(() => 'again')) === 'again');
      if (version % 60 === 0) {
        await server.kill()
        await server.start()
      }
    }
    await reading
    await expect.poll(async () => (await one.eventStreamer.receivers(workflowName))[0]?.lag, { timeout: 10_000 }).toBe(0)
  })

  test('that hangs while something is sent stores it once, however often it was sent', async () => {
    const server = await started()
    const connection = await connectTo(server.url)
    onTestFinished(() => connection.close())
    let sent = 0
    const counting: typeof connection.request = (subject, ...rest) => {
      if (subject.includes('.event.')) sent++
      return connection.request(subject, ...rest)
    }
    const one = opened({ connection: overridden(connection, { request: counting }), requestTimeout: '400ms' })
    await ensure(one.eventStreamer)
    await send(one, eventsOf(1))
    await using sender = await one.eventStreamer.newSender()
    await server.pause()
    sent = 0
    const sending = sender.send(eventsOf(1, 0, 2))
    // Until the first answer was given up and the message sent again.
    await expect.poll(() => sent, { timeout: 10_000 }).toBeGreaterThan(1)
    server.resume()
    await sending
    const receiver = await openReceiver(one)
    expect(versionsOf(await take(receiver, 2))).toEqual([1, 2])
    await send(one, eventsOf(1, 0, 3))
    expect(versionsOf(await take(receiver, 1))).toEqual([3])
  })

  test('that hangs holds nobody up for long who closes', async () => {
    const server = await started()
    const one = nats({ servers: server.url, requestTimeout: '30s', logger: silent })
    await ensure(one.eventStreamer)
    const receiver = await openReceiver(one)
    await send(one, eventsOf(1))
    const [first] = await take(receiver, 1)
    await server.pause()
    onTestFinished(() => server.resume())
    const acked = refusalOf(first?.ack() ?? Promise.resolve())
    const waiting = refusalOf(take(receiver, 1))
    const since = performance.now()
    await one.close()
    expect(performance.now() - since).toBeLessThan(12_000)
    expect([await acked, await waiting]).toMatchObject([{ code: 'Stopped' }, { code: 'Stopped' }])
  })

  test('of a cluster that dies with the consumers on it is replaced within seconds', async () => {
    const servers = await startNatsCluster(3)
    onTestFinished(() => {
      for (const server of servers) server.remove()
    })
    const one = opened({ servers: servers.map(({ url }) => url) })
    await expect
      .poll(
        () =>
          ensure(one.eventStreamer)
            .then(() => true)
            .catch(() => false),
        { timeout: 20_000 },
      )
      .toBe(true)
    // Streams that have just been made have no leader for a moment, and answer nobody.
    const others = Array.from({ length: 3 }, () =>
      opened({ servers: servers.map(({ url }) => url), prefix: 'other', requestTimeout: '3s' }),
    )
    await Promise.all(others.map(({ eventStreamer }) => ensure(eventStreamer)))
    const receiver = await openReceiver(one)
    await using sender = await one.eventStreamer.newSender()
    const sendSurely = async (version: number): Promise<void> => {
      while ((await sender.send([eventOf(version)]).catch(() => 'again')) === 'again');
    }
    await sendSurely(1)
    const [first] = await take(receiver, 1)
    await first?.ack()
    const connection = await connectTo(servers.map(({ url }) => url)[0])
    const manager = await jetstreamManager(connection)
    const stream = `workflow_events_${workflowName}`
    expect((await manager.streams.info(stream)).config.num_replicas).toBe(3)
    const [consumer] = await manager.consumers.list(stream).next()
    const server = servers[Number(consumer?.cluster?.leader?.slice(1)) - 1]
    await connection.close()
    await server?.kill()
    await sendSurely(2)
    const [second] = await take(receiver, 1, 12_000)
    expect(second?.event.version).toBe(2)
    // What keeps the cursors may have died, too.
    await expect.poll(() => second?.ack().then(() => 'acknowledged', String), { timeout: 20_000 }).toBe('acknowledged')
    // One more is one too many: nothing can be written, and nothing is lost.
    const [other] = servers.filter((one) => one !== server)
    await other?.kill()
    expect(await refusalOf(sender.send([eventOf(3)]))).toMatchObject({ code: 'StoreUnavailable', retryable: true })
    await other?.start()
    await sendSurely(4)
    // The one that was refused may be there all the same, as often as it was tried.
    const rest: number[] = []
    while (!rest.includes(4)) rest.push(...versionsOf(await take(receiver, 1, 12_000)))
    expect(rest.filter((version) => version !== 3)).toEqual([4])
  })

  test('that wants TLS gets it, and a certificate of somebody else is refused', async () => {
    if (spawnSync('openssl', ['version']).status !== 0)
      return console.error('SKIPPED: TLS, because there is no openssl to make a certificate')
    const plain = await started()
    const [key, certificate] = [join(plain.place.folder, 'key.pem'), join(plain.place.folder, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate, ...subject],
      { stdio: 'ignore' },
    )
    const server = await started({ settings: `tls { cert_file: "${certificate}", key_file: "${key}" }` })
    const one = opened({ servers: server.url, connect: { tls: { caFile: certificate } } })
    await ensure(one.eventStreamer)
    await send(one, eventsOf(1))
    expect(versionsOf(await take(await openReceiver(one), 1))).toEqual([1])
    const advice = expect.stringMatching(/no TLS connection: .*look at tls in the option connect/)
    const refused = { code: 'Configuration', retryable: false, message: advice }
    const refusalBy = (options: NatsOptions): Promise<unknown> => refusalOf(ensure(opened(options).eventStreamer))
    expect(await refusalBy({ servers: server.url, connect: { tls: {} } })).toMatchObject(refused)
    expect(await refusalBy({ servers: server.url, connect: { tls: { caFile: `${certificate}.gone` } } })).toMatchObject(refused)
    // An address that says TLS gets nothing else.
    expect(await refusalBy({ servers: plain.url.replace('nats:', 'tls:') })).toMatchObject(refused)
    await ensure(opened({ servers: server.url.replace('nats:', 'tls:'), connect: { tls: { caFile: certificate } } }).eventStreamer)
  })

  test('whose message is lost on the way sends it again, and those behind it, in order', async () => {
    const server = await started()
    const connection = await connectTo(server.url)
    onTestFinished(() => connection.close())
    let lost = 0
    const forgetful: typeof connection.subscribe = (subject, { callback, ...rest } = {}) =>
      connection.subscribe(subject, {
        ...rest,
        callback: (error, message) => {
          // The third message of a consumer, once.
          if (lost === 0 && /^\$JS\.ACK\..*\.3\.3\.\d+\.\d+$/.test(message?.reply ?? '')) lost++
          else void callback?.(error, message)
        },
      })
    const one = opened({ connection: overridden(connection, { subscribe: forgetful }) })
    await ensure(one.eventStreamer)
    for (const event of eventsOf(10)) await send(one, [event])
    const receiver = await openReceiver(one)
    expect(versionsOf(await take(receiver, 10))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(lost).toBe(1)
  })

  test('that a connection of the caller talks to is left connected', async () => {
    const server = await started()
    const connection = await connectTo(server.url)
    const one = nats({ connection })
    await ensure(one.eventStreamer, [spec])
    await one.close()
    expect(connection.isClosed()).toBe(false)
    await connection.close()
  })
})
