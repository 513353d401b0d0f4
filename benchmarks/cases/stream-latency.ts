import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../harness/bench.ts'
import { Histogram } from '../harness/histogram.ts'
import type { StreamTarget } from '../streams/stream-target.ts'
import { eventOf, readerOf } from '../streams/stream-load.ts'

const pauseMs = 5

/** From the call of `send` to the event's being received, one at a time, with everything asleep before. */
export function streamLatency(target: () => Promise<StreamTarget>): Case {
  return {
    name: 'idle-latency',
    runs: 500,
    measure: async ({ runs, repeats }) => {
      await using stream = await target()
      const opened = stream.open()
      const reader = await readerOf(opened, ['orders/paid'])
      const sender = await opened.eventStreamer.newSender()
      const { signal } = new AbortController()
      const p50: number[] = []
      const p99: number[] = []
      for (let repeat = 0; repeat <= repeats; repeat++) {
        const hops = new Histogram()
        for (let n = 0; n < runs; n++) {
          await sleep(pauseMs)
          const receiving = reader.receive({ max: 10, signal })
          const start = performance.now()
          const sending = sender.send([eventOf(n)])
          const deliveries = await receiving
          hops.add(performance.now() - start)
          await sending
          for (const { ack } of deliveries) await ack()
        }
        if (repeat === 0) continue
        p50.push(hops.percentile(50))
        p99.push(hops.percentile(99))
      }
      await opened.close()
      return [
        { metric: 'one hop, p50', unit: 'ms', values: p50 },
        { metric: 'one hop, p99', unit: 'ms', values: p99 },
      ]
    },
  }
}
