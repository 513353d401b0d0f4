/** What measuring and tracing cost: the same load with and without, taking turns. */
import { observed } from './cases/observed.ts'
import { bench } from './harness/bench.ts'

await bench('observability', [observed('sqlite', 30_000), observed('memory', 30_000)])
