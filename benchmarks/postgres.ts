/** The engine on Postgres, on the same machine, with durable commits. */
import { idleEngine } from './cases/idle-engine.ts'
import { idleLatency } from './cases/idle-latency.ts'
import { largeTable } from './cases/large-table.ts'
import { churn, sustained } from './cases/lasting.ts'
import { sharing } from './cases/sharing.ts'
import { storedRunsBySql } from './cases/stored-runs-by-sql.ts'
import { throughput } from './cases/throughput.ts'
import { drain, waitingRunsBySql } from './cases/waiting-runs-by-sql.ts'
import { restart } from './cases/waiting-runs.ts'
import { bench } from './harness/bench.ts'
import { burst, window } from './harness/loads.ts'
import { startServer } from './harness/postgres-schema.ts'

const server = await startServer()
try {
  await bench(
    'postgres',
    [
      throughput('burst', 20_000, () => server.openFresh(), burst),
      throughput('window', 20_000, () => server.openFresh(), window),
      idleLatency('idle-latency', () => server.openFresh()),
      sustained('sustained', server.place),
      churn('churn', server.place),
      sharing('processes', server.place, [2, 4]),
      storedRunsBySql('stored-runs', server.place),
      largeTable('large-table', server.place),
      waitingRunsBySql('waiting-runs', server.place),
      drain('drain', server.place),
      idleEngine('idle-engine', server.place),
      restart('restart', server.place),
    ],
    server.about,
  )
} finally {
  await server.stop()
}
