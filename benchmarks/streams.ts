/** Event streamers on brokers by themselves, beside the bare client of each: `pnpm bench streams --adapter kafka`. */
import { parseArgs } from 'node:util'
import { streamIdle } from './cases/stream-idle.ts'
import { streamLatency } from './cases/stream-latency.ts'
import { streamThroughput } from './cases/stream-throughput.ts'
import { bench } from './harness/bench.ts'
import { kafkaTarget } from './streams/kafka-target.ts'
import { natsTarget } from './streams/nats-target.ts'
import type { StreamTarget } from './streams/stream-target.ts'

const targets: Readonly<Record<string, () => Promise<StreamTarget>>> = { kafka: kafkaTarget, nats: natsTarget }

// The harness looks at the other arguments.
const { adapter = 'nats' } = parseArgs({ strict: false, options: { adapter: { type: 'string' } } }).values
const target = targets[String(adapter)]
if (target === undefined) {
  process.stderr.write(`there is no adapter '${String(adapter)}': choose of ${Object.keys(targets).join(', ')}\n`)
  process.exitCode = 1
} else {
  await bench(`streams ${String(adapter)}`, [streamThroughput(target), streamLatency(target), streamIdle(target)])
}
