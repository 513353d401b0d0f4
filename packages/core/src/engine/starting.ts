import { isWorkflowError } from '../errors.ts'
import type { EngineContext } from './engine-context.ts'
import { sleep } from './waiting.ts'
import type { Worker } from './worker.ts'

/** How long a start that failed waits before it is tried again, doubled each time up to the most. */
const againMs = 1_000
const againMsMax = 30_000

/** Starts a worker, and keeps trying while a store or a stream is away: a deployment starts in any order. */
export async function startUntil(stop: AbortSignal, ctx: EngineContext, worker: Worker, stopped: () => Error): Promise<void> {
  const { clock, contract, logger, random } = ctx
  for (let delayMs = againMs; ; delayMs = Math.min(2 * delayMs, againMsMax)) {
    try {
      return await worker.run()
    } catch (error) {
      if (stop.aborted) throw stopped()
      if (!isWorkflowError(error) || !error.retryable) throw error
      const retryInMs = delayMs / 2 + (random() * delayMs) / 2
      logger.warn({ workflow: contract.name, error, retryInMs }, 'the workflow could not start; trying again')
      await sleep(clock, retryInMs, stop).catch(() => {
        throw stopped()
      })
    }
  }
}
