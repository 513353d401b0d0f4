import { InvalidArgument, isWorkflowError, type WorkflowError } from '../errors.ts'
import { shown } from '../model/option-check.ts'
import type { TriggerResult } from '../run.ts'
import type { TriggerInput } from './trigger.ts'

/** So many are in hand at once: what an adapter writes in one batch, not what would fill its queue. */
const inHandMax = 1_000

/** Starts runs, each for itself: the adapter makes batches of them. Results in the order of the items; never rejects for one of them. */
export async function triggerMany(
  workflowName: string,
  items: readonly (TriggerInput & { readonly foreignId: string })[],
  trigger: (foreignId: string, options: TriggerInput) => Promise<string>,
): Promise<readonly TriggerResult[]> {
  if (!Array.isArray(items))
    throw new InvalidArgument(`triggerMany of workflow '${workflowName}' needs a list of runs; got ${shown(items)}`)
  const results: TriggerResult[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const place = next++
      const item: unknown = items[place]
      if (typeof item !== 'object' || item === null) {
        const error = new InvalidArgument(
          `item ${place} of triggerMany of workflow '${workflowName}' must be { foreignId, initialValue }; got ${shown(item)}`,
        )
        results[place] = { foreignId: '', error }
        continue
      }
      // The cast holds as far as `trigger` needs it: it checks each part.
      const { foreignId, ...options } = item as TriggerInput & { readonly foreignId: string }
      results[place] = await trigger(foreignId, options).then(
        (runId) => ({ foreignId, runId }),
        (error: unknown) => ({ foreignId, error: ours(error, workflowName, foreignId) }),
      )
    }
  }
  await Promise.all(Array.from({ length: Math.min(inHandMax, items.length) }, work))
  return results
}

/** A schema may throw anything. */
function ours(error: unknown, workflowName: string, foreignId: string): WorkflowError {
  if (isWorkflowError(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  return new InvalidArgument(`the run of '${foreignId}' of workflow '${workflowName}' could not be started: ${message}`, { cause: error })
}
