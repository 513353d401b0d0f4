/** What measuring and tracing cost: the same load with and without, taking turns in one process. */
import { memory } from '@workflow/core/memory'
import { observed } from './cases/observed.ts'
import { bench } from './harness/bench.ts'
import { openFresh } from './harness/sqlite-file.ts'

await bench('observability', [
  observed('sqlite', 20_000, () => openFresh('NORMAL')),
  observed('memory', 40_000, () => ({ infrastructure: memory(), [Symbol.asyncDispose]: async () => undefined })),
])
