/** The engine on one SQLite file, in one process and in several. */
import { idleEngine } from './cases/idle-engine.ts'
import { idleLatency } from './cases/idle-latency.ts'
import { sharing } from './cases/sharing.ts'
import { storedRuns } from './cases/stored-runs.ts'
import { throughput } from './cases/throughput.ts'
import { backlog, restart, waitingRuns } from './cases/waiting-runs.ts'
import { bench } from './harness/bench.ts'
import { burst, window } from './harness/loads.ts'
import { filePlace, openFresh } from './harness/sqlite-file.ts'

await bench('sqlite', [
  throughput('burst', 40_000, () => openFresh('NORMAL'), burst),
  throughput('window', 40_000, () => openFresh('NORMAL'), window),
  idleLatency('idle-latency', () => openFresh('NORMAL')),
  throughput('full-burst', 40_000, () => openFresh('FULL'), burst),
  throughput('full-window', 40_000, () => openFresh('FULL'), window),
  idleLatency('full-idle-latency', () => openFresh('FULL')),
  sharing('two-processes', filePlace, [2]),
  idleEngine('idle-engine', filePlace),
  storedRuns('stored-runs'),
  waitingRuns('waiting-runs', filePlace),
  backlog('backlog', filePlace),
  restart('restart', filePlace),
])
