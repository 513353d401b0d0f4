/** Work for the fault tests: three steps, and a protocol of what was done. */
import {
  type AnySnapshot,
  type Contract,
  type Schema,
  unchecked,
  type WorkerInfrastructure,
  type Workflow,
  workflow,
  type WorkflowClient,
} from '@workflow/core'
import type { Postgres } from '../../src/index.ts'

export interface Errand {
  /** Statuses whose handler's result was committed. */
  readonly done: string[]
}

const graph = { left: { step: ['there'] }, there: { step: ['back'] }, back: { step: ['home'] }, home: {} } as const
export type Errands = Contract<'errands', Schema<Errand>, typeof graph>
export const errands: Errands = workflow('errands', { object: unchecked<Errand>(), graph })
const statuses = ['left', 'there', 'back'] as const

/** A worker on the database, at work. Lost events would be lost: nobody sweeps up behind them. */
export async function atWork<Tx>(
  db: Postgres<Tx>,
  options: Partial<Pick<WorkerInfrastructure, 'clock' | 'storeTimeout'>> = {},
): Promise<Workflow<Errands>> {
  const made = errands
    .addStep('left', async (run) => {
      run.object.done.push(run.status)
      return 'there'
    })
    .addStep('there', async (run) => {
      run.object.done.push(run.status)
      return 'back'
    })
    .addStep('back', async (run) => {
      run.object.done.push(run.status)
      return 'home'
    })
    .build({
      ...db,
      ...options,
      sweepFrequency: '1d',
      autoResume: '100ms',
      logger: quiet,
      defaults: { parallelCount: 8, errBackOff: '20ms' },
    })
  await made.run()
  return made
}

/** Starts so many runs, and resolves to their ids. */
export async function leave(wf: WorkflowClient<Errands>, names: string, count: number): Promise<readonly string[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => wf.trigger(`${names}-${n}`, { initialValue: { done: [] } })))
}

/** Runs of which anything is wrong, in words, once they had time to come home. */
export async function astray(
  wf: WorkflowClient<Errands>,
  runIds: readonly string[],
  timeout: '30s' | '60s' = '30s',
): Promise<readonly string[]> {
  const faults: string[] = []
  for (const runId of runIds) {
    const run: AnySnapshot = await wf.awaitCompletion(runId, { timeout })
    const { items } = await wf.history(runId)
    const path = items.map(({ version, to }) => `${version} ${to}`).join(', ')
    if (path !== '1 left, 2 there, 3 back, 4 home') faults.push(`${runId} went ${path}`)
    // The cast holds because only this workflow's handlers write these objects.
    const { done } = run.object as Errand
    if (done.join() !== statuses.join()) faults.push(`${runId} did ${done.join()}`)
  }
  return faults
}

const nothing = (): void => undefined
const quiet = { debug: nothing, info: nothing, warn: nothing, error: nothing }
