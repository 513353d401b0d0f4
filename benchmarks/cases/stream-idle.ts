import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../harness/bench.ts'
import { meter, rssMegabytes } from '../harness/meter.ts'
import type { StreamTarget } from '../streams/stream-target.ts'
import { readerOf } from '../streams/stream-load.ts'

const topics = Array.from({ length: 24 }, (_, n) => `orders/status-${n}`)
const settleMs = 5_000
const secondsDefault = 20

/** A receiver of 24 topics and 16 slots that has nothing to do. */
export function streamIdle(target: () => Promise<StreamTarget>): Case {
  return {
    name: 'idle',
    runs: 1,
    measure: async ({ seconds = secondsDefault }) => {
      await using stream = await target()
      const [own, server] = [rssMegabytes(), stream.server()]
      const opened = stream.open()
      const reader = await readerOf(opened, topics)
      const stop = new AbortController()
      const waiting = reader.receive({ max: 100, signal: stop.signal }).catch(() => [])
      await sleep(settleMs)
      const read = meter()
      const before = stream.server()
      await sleep(seconds * 1_000)
      const { wallMs, cpuMs } = read()
      const after = stream.server()
      const figures = [
        { metric: 'processor, process', unit: '% of a core', values: [(cpuMs / wallMs) * 100] },
        { metric: 'processor, server', unit: '% of a core', values: [((after.cpuMs - before.cpuMs) / wallMs) * 100] },
        { metric: 'memory more, process', unit: 'MB', values: [rssMegabytes() - own] },
        { metric: 'memory more, server', unit: 'MB', values: [after.rssMegabytes - server.rssMegabytes] },
      ]
      stop.abort()
      await waiting
      await opened.close()
      return figures
    },
  }
}
