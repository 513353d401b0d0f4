/** A broker that dies, sleeps and comes back, under an adapter that is at work. */
import type { EventReceiver, RunEvent } from '@workflow/core/adapter'
import { isWorkflowError } from '@workflow/core/adapter'
import { describe, expect, inject, test } from 'vitest'
import { type KafkaServer, startKafka } from '../../../scripts/services/kafka-server.ts'
import { kafka, type Kafka } from '../src/index.ts'
import { claimsOf, eventOf, layoutOf, topic } from './events.ts'
import { take } from './scene.ts'

const spec = { name: 'orders', topics: [topic], from: 'earliest', durable: true, workflowName: 'orders' } as const

/** Reads in the background; `seen` is the newest version of each run, `acked` that of the last ack that resolved. */
function readerOf(receiver: EventReceiver<RunEvent>) {
  const stop = new AbortController()
  const seen = new Map<string, number>()
  const acked = new Map<string, number>()
  const faults: unknown[] = []
  const reading = (async () => {
    while (!stop.signal.aborted) {
      for (const { event, ack } of await receiver.receive({ max: 50, signal: stop.signal })) {
        const last = seen.get(event.runId) ?? 0
        if (event.version > last + 1) faults.push(`version ${event.version} of ${event.runId} after ${last}`)
        seen.set(event.runId, Math.max(last, event.version))
        ack().then(
          () => acked.set(event.runId, Math.max(acked.get(event.runId) ?? 0, event.version)),
          (error: unknown) => void (isWorkflowError(error, 'StoreUnavailable') || faults.push(error)),
        )
      }
    }
  })().catch((error: unknown) => void (stop.signal.aborted || faults.push(error)))
  const end = async (): Promise<void> => {
    stop.abort()
    await reading
  }
  return { seen, acked, faults, end }
}

describe.skipIf(!inject('kafkaStarts'))('a broker of its own', () => {
  test('that is killed, or stands still for a while, loses nothing that was answered, and work goes on by itself', {
    timeout: 180_000,
  }, async () => {
    const server: KafkaServer = await startKafka()
    const adapters: Kafka[] = []
    const open = (): Kafka => {
      const adapter = kafka({ brokers: [server.url], requestTimeout: '1500ms' })
      adapters.push(adapter)
      return adapter
    }
    try {
      const { eventStreamer } = open()
      await eventStreamer.ensure(layoutOf())
      const reader = readerOf(await eventStreamer.newReceiver({ ...spec, claims: claimsOf(4) }))
      const sender = await eventStreamer.newSender()
      let version = 0
      let givenUp = 0
      /** As the relay does: what was not answered is sent again, in the same order. */
      const send = async (): Promise<void> => {
        version++
        const events = [0, 1, 2, 3].map((slot) => eventOf(slot, slot, { version }))
        for (;;) {
          try {
            return await sender.send(events)
          } catch (error) {
            if (!isWorkflowError(error) || !error.retryable) throw error
            givenUp++
          }
        }
      }
      const sendMany = async (count: number): Promise<void> => {
        for (let n = 0; n < count; n++) await send()
      }
      const caughtUp = (of: ReadonlyMap<string, number>): boolean => [0, 1, 2, 3].every((run) => of.get(`run-${run}`) === version)

      await sendMany(50)
      const killed = server.kill()
      const sending = sendMany(50)
      await killed
      await server.start()
      const up = performance.now()
      await sending
      await expect.poll(() => caughtUp(reader.seen), { timeout: 30_000 }).toBe(true)
      const recoveredMs = performance.now() - up

      await server.pause()
      givenUp = 0
      const waiting = sendMany(20)
      await expect.poll(() => givenUp, { timeout: 30_000 }).toBeGreaterThan(0)
      server.resume()
      await waiting
      await sendMany(20)
      await expect.poll(() => caughtUp(reader.seen), { timeout: 30_000 }).toBe(true)
      await expect.poll(() => caughtUp(reader.acked), { timeout: 30_000 }).toBe(true)
      expect(reader.faults).toEqual([])
      await reader.end()
      expect(recoveredMs).toBeLessThan(20_000)

      // What was acknowledged does not come again, whoever is next.
      const next = await open().eventStreamer.newReceiver({ ...spec, claims: claimsOf(4, 2) })
      await send()
      expect((await take(next, 4)).map(({ event }) => event.version)).toEqual([version, version, version, version])
    } finally {
      await Promise.all(adapters.map(({ close }) => close()))
      server.remove()
    }
  })
})
