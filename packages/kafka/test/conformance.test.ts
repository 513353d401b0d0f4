import { connectorCases, eventStreamerCases, realTime, type ConformanceCase } from '@workflow/testing/conformance'
import { describe, test } from 'vitest'
import { Broker } from './broker.ts'

/** Most of a case is waiting: several go on at once, but for those that count what keeps the process alive. */
function register(cases: Iterable<ConformanceCase>): void {
  for (const { name, run } of cases) {
    if (/alive|leaves nothing|frees/.test(name)) test(name, { timeout: 60_000 }, () => run())
    else test.concurrent(name, { timeout: 60_000 }, () => run())
  }
}

const backends = { multiInstance: true, persistent: true }

describe.skipIf(Broker.url === undefined)('on Kafka', () => {
  describe('event streamer', () =>
    register(
      eventStreamerCases({
        capabilities: { ...backends, feeds: ['sender'], kill: true, eventLoss: true },
        start: async () => {
          const broker = new Broker()
          return {
            time: { ...realTime(), quietMs: 300 },
            open: async () => {
              const { adapter, ...instance } = broker.open()
              return { ...instance, port: adapter.eventStreamer }
            },
            loseEvents: (topic, slot) => broker.loseEvents(topic, slot),
            [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
          }
        },
      }),
    ))

  describe('connector', () =>
    register(
      connectorCases({
        capabilities: { ...backends, headers: true, fromDate: true },
        start: async () => {
          const broker = new Broker()
          const topic = await broker.foreignTopic(3)
          return {
            time: { ...realTime(), quietMs: 300 },
            open: async () => {
              const { adapter, ...instance } = broker.open()
              return { ...instance, port: adapter.connector({ topic }) }
            },
            publish: (events) =>
              broker.publish(
                topic,
                events.map(({ key, value, headers }) => ({
                  key,
                  value: JSON.stringify(value),
                  ...(headers === undefined ? {} : { headers }),
                })),
              ),
            [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
          }
        },
      }),
    ))
})
