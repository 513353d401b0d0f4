import type { Instrumentation, Observed } from '../ports/instrumentation.ts'
import type { EngineContext } from './engine-context.ts'
import type { Worker } from './worker.ts'

/** Lets whoever measures ask a workflow at work. Dispose the result when it has stopped. */
export function observed(ctx: EngineContext, worker: Worker): Disposable | undefined {
  const { attach }: Instrumentation = ctx.instrumentation
  if (attach === undefined) return undefined
  const { contract, store, streamer, storeLimit } = ctx
  const workflowName = contract.name
  const asked: Observed = {
    workflowName,
    states: () => worker.states(),
    slots: () => ({ held: worker.slotsHeld, total: ctx.slots }),
    inFlight: () => worker.inFlight,
    receivers: async () => {
      const all = await storeLimit.run(() => streamer.receivers(workflowName))
      return all.map(({ name, lag, oldest }) => ({ name, events: lag, ...(oldest === undefined ? undefined : { oldest }) }))
    },
    runs: () => storeLimit.run(() => store.count({ workflowName }, 'runState')),
  }
  return attach(asked)
}
