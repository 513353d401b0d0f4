import { RunNotFound } from '../errors.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { EngineContext } from './engine-context.ts'

/** The run, of this workflow. Throws `RunNotFound`. */
export async function find(ctx: EngineContext, runId: string): Promise<RunRecord> {
  const record = await ctx.store.lookup(runId)
  if (record === undefined || record.workflowName !== ctx.contract.name) {
    throw new RunNotFound(
      `workflow '${ctx.contract.name}' has no run ${runId}${record === undefined ? '' : `: it belongs to workflow '${record.workflowName}'`}`,
      { details: { runId } },
    )
  }
  return record
}
