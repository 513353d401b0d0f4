/** The engine on the memory adapters: what it costs by itself. */
import { memory } from '@workflow/core/memory'
import { idleLatency } from './cases/idle-latency.ts'
import { type Opened, throughput } from './cases/throughput.ts'
import { bench } from './harness/bench.ts'
import { awaited, burst, window } from './harness/loads.ts'

const open = (): Opened => ({ infrastructure: memory(), [Symbol.asyncDispose]: async () => undefined })

await bench('memory', [
  throughput('burst', 100_000, open, burst),
  throughput('window', 100_000, open, window),
  throughput('window-awaited', 50_000, open, awaited),
  idleLatency('idle-latency', open),
])
