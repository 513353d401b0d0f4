/** The engine on Postgres, on the same machine, with durable commits. */
import { idleLatency } from './cases/idle-latency.ts'
import { throughput } from './cases/throughput.ts'
import { bench } from './harness/bench.ts'
import { burst, window } from './harness/loads.ts'
import { startServer } from './harness/postgres-schema.ts'

const server = await startServer()
try {
  await bench('postgres', [
    throughput('burst', 20_000, () => server.openFresh(), burst),
    throughput('window', 20_000, () => server.openFresh(), window),
    idleLatency('idle-latency', () => server.openFresh()),
  ])
} finally {
  server.stop()
}
