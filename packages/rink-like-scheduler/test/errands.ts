/** A workflow on a file of SQLite, with roles on etcd. */
import { unchecked, workflow } from '@workflow/core'
import type { RoleScheduler } from '@workflow/core/adapter'
import { sqlite, type Sqlite } from '@workflow/sqlite'
import { rinkLikeScheduler } from '../src/index.ts'

const errands = workflow('errands', {
  object: unchecked<{ log: string[] }>(),
  graph: { given: { step: ['begun'] }, begun: { step: ['done'] }, done: {} },
})
const slots = 8
const quiet = (): void => undefined
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }

/** Records, events and timers of a file; roles of etcd. `close` closes both. */
export interface Mixed extends Pick<Sqlite, 'recordStore' | 'eventStreamer' | 'timeoutStore'> {
  readonly roleScheduler: RoleScheduler
  readonly close: () => Promise<void>
}

export function mixed(file: string, endpoint: string, prefix: string, instance: string): Mixed {
  const { recordStore, eventStreamer, timeoutStore, close } = sqlite({ file, instance, crossProcessPolling: '5ms' })
  const roleScheduler = rinkLikeScheduler({ endpoints: endpoint, prefix, instance, lease: '1s' })
  return {
    recordStore,
    eventStreamer,
    timeoutStore,
    roleScheduler,
    close: async () => {
      await roleScheduler.close()
      await close()
    },
  }
}

/** Works until its process ends. */
export async function workOnErrands(infrastructure: Mixed): Promise<void> {
  const wf = errands
    .addStep('given', async (run) => {
      run.object.log.push(run.idempotencyKey)
      return 'begun'
    })
    .addStep('begun', async (run) => {
      run.object.log.push(run.idempotencyKey)
      return 'done'
    })
    .build({ ...infrastructure, slots, logger })
  await wf.run()
}

export interface Errands {
  readonly trigger: (foreignId: string) => Promise<string>
  /** What the steps have written, once the run is done. */
  readonly logOf: (runId: string) => Promise<readonly string[]>
  /** Its transitions. */
  readonly historyOf: (runId: string) => Promise<readonly string[]>
}

export function errandsOf(infrastructure: Pick<Mixed, 'recordStore' | 'eventStreamer'>): Errands {
  const { recordStore, eventStreamer } = infrastructure
  const client = errands.client({ recordStore, eventStreamer, slots, logger })
  return {
    trigger: (foreignId) => client.trigger(foreignId, { initialValue: { log: [] } }),
    logOf: async (runId) => (await client.awaitCompletion(runId, { timeout: '30s' })).object.log,
    historyOf: async (runId) => (await client.history(runId)).items.map(({ version, to }) => `${version} ${to}`),
  }
}
