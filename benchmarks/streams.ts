/** Event streamers on brokers, beside the bare client of each and beside the engine's own: `pnpm bench streams --adapter kafka`. */
import { parseArgs } from 'node:util'
import { streamEngine } from './cases/stream-engine.ts'
import { streamIdle } from './cases/stream-idle.ts'
import { streamLatency } from './cases/stream-latency.ts'
import { streamThroughput } from './cases/stream-throughput.ts'
import { bench } from './harness/bench.ts'
import { kafkaTarget } from './streams/kafka-target.ts'
import { natsTarget } from './streams/nats-target.ts'
import type { StreamTarget } from './streams/stream-target.ts'

const targets: Readonly<Record<string, () => Promise<StreamTarget>>> = { kafka: kafkaTarget, nats: natsTarget }

// The harness looks at the other arguments.
const { adapter = 'nats', json } = parseArgs({
  strict: false,
  options: { adapter: { type: 'string' }, json: { type: 'boolean' } },
}).values
const target = targets[String(adapter)]
if (target === undefined) {
  process.stderr.write(`there is no adapter '${String(adapter)}': choose of ${Object.keys(targets).join(', ')}\n`)
  process.exitCode = 1
} else {
  // Servers are started by the cases that need them, and say then what they are.
  const abouts = new Set<string>()
  const started = async (): Promise<StreamTarget> => {
    const stream = await target()
    abouts.add(stream.about)
    return stream
  }
  await bench(`streams ${String(adapter)}`, [
    streamThroughput(started),
    streamLatency(started),
    streamIdle(started),
    streamEngine(started, (text) => abouts.add(text)),
  ])
  if (json !== true) for (const about of abouts) process.stdout.write(`${about}\n`)
}
