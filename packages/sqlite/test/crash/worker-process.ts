/** A worker that lives until it is killed: `node worker-process.ts <file> <ledger> <lease> <seed>`. */
import type { Duration } from '@workflow/core'
import { sqlite } from '../../src/index.ts'
import { parcelDefinition } from './parcel-workflow.ts'
import { seededRandom } from './seeded-random.ts'

const [file = '', ledger = '', lease = '', seed = '0'] = process.argv.slice(2)
// The cast holds because the parent passes a duration on.
const database = sqlite({ file, lease: lease as Duration, busyTimeout: '20s' })
const random = seededRandom(Number(seed))
const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (fields: object, message: string) =>
    void process.stderr.write(`${process.pid} ${message} ${String((fields as { error?: unknown }).error ?? '')}\n`),
}
const workflow = parcelDefinition(ledger, random).build({
  ...database,
  logger: silent,
  autoResume: '1s',
  // The sweeper would make up for a lost event after a while, and nobody would see that it was lost.
  sweepFrequency: '1d',
  defaults: { parallelCount: 8, errBackOff: '20ms' },
})
await workflow.run()
process.stdout.write('running\n')
// The parent's end closes this: no worker outlives the test.
process.stdin.resume()
process.stdin.on('end', () => process.exit())
