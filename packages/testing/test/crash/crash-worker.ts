/** What a worker program does: it works until it is killed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isWorkflowError, type WorkerInfrastructure } from '@workflow/core'
import type { CrashPorts } from './crash-target.ts'
import { parcelDefinition } from './parcel-workflow.ts'
import { seededRandom } from './seeded-random.ts'

/** What the parent has given to a worker program. */
export interface WorkerArguments {
  readonly ledger: string
  readonly seed: number
  /** What the target has given. */
  readonly own: readonly string[]
}

export function workerArguments(): WorkerArguments {
  const [ledger = '', seed = '0', ...own] = process.argv.slice(2)
  return { ledger, seed: Number(seed), own }
}

/** Never ends by itself, but with its parent. */
export async function runWorker(
  ports: CrashPorts,
  { ledger, seed }: WorkerArguments,
  options: Pick<WorkerInfrastructure, 'clock'> = {},
): Promise<void> {
  const workflow = parcelDefinition(ledger, seededRandom(seed)).build({
    ...ports,
    ...options,
    logger: onlyErrors,
    autoResume: '1s',
    // The sweeper would make up for a lost event after a while, and nobody would see that it was lost.
    sweepFrequency: '1d',
    defaults: { parallelCount: 8, errBackOff: '20ms' },
  })
  // The parent's end closes this: no worker outlives the test.
  process.stdin.resume()
  process.stdin.on('end', () => process.exit())
  for (;;) {
    try {
      await workflow.run()
      return
    } catch (error) {
      // The database is away at this moment.
      if (!isWorkflowError(error, 'StoreUnavailable')) throw error
      await sleep(againMs)
    }
  }
}

const againMs = 100

/** Errors that are no wonder where databases go away are not shown. */
const onlyErrors = {
  debug: (): void => undefined,
  info: (): void => undefined,
  warn: (): void => undefined,
  error: (fields: object, message: string): void => {
    const { error } = fields as { readonly error?: unknown }
    if (!isWorkflowError(error, 'StoreUnavailable')) process.stderr.write(`${process.pid} ${message} ${String(error ?? '')}\n`)
  },
}
