/** What measuring and tracing cost: the same load with and without, taking turns. */
import { observed } from './cases/observed.ts'
import { bench } from './harness/bench.ts'
import { observationNames, tracingPartNames } from './harness/observations.ts'

await bench('observability', [
  observed('sqlite', 'sqlite', observationNames, 30_000),
  observed('memory', 'memory', observationNames, 30_000),
  observed('tracing-parts', 'sqlite', tracingPartNames, 30_000),
])
