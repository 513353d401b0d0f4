import { Configuration, InvalidOutcome } from '../errors.ts'
import type { ContractModel } from '../model/definition.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { Change, NextRecord } from '../model/unit.ts'
import { validated } from '../schema.ts'
import type { EngineContext } from './engine-context.ts'
import type { ChildStart } from './handler-run.ts'
import { Ids } from './ids.ts'
import { Topics } from './topics.ts'
import { creation } from './transition.ts'
import { assertForeignId, assertMetadata, startOf } from './trigger.ts'
import { joinOf } from './worker-context.ts'

/**
 * The runs that a transition starts, as changes of its own unit. Their ids are derived from the parent's stay, so that
 * another attempt starts the same children. They belong to the trace of the handler that starts them.
 */
export async function childChanges(
  ctx: EngineContext,
  unitId: string,
  parent: RunRecord,
  next: NextRecord,
  starts: readonly ChildStart[],
  traceparent: string | undefined,
): Promise<readonly Change[]> {
  if (ctx.store.capabilities.atomicRuns === 'one') {
    throw new Configuration(
      `workflow '${parent.workflowName}' starts children, and its record store cannot commit several runs at once: use one that can`,
    )
  }
  const joined = ctx.contract.children.get(next.status)
  const changes: Change[] = []
  for (const start of starts) {
    if (joined !== start.contract || next.entered.version !== next.version) {
      throw new InvalidOutcome(
        `run ${parent.runId} of workflow '${parent.workflowName}' starts a child of '${start.contract.name}' and goes to '${next.status}', which has no join for it: children start on the way into the status that joins them`,
      )
    }
    const child = contextOf(ctx, start.contract)
    assertForeignId(child, start.foreignId)
    assertMetadata(child, start.options.metadata)
    const runId = Ids.derived(
      'child',
      parent.runId,
      String(next.entered.version),
      String(next.repeat),
      start.contract.name,
      start.foreignId,
    )
    const owner = { runId, foreignId: start.foreignId }
    const value = await validated(
      start.contract.object,
      start.options.initialValue,
      () => `the initial value of child '${start.foreignId}' of workflow '${start.contract.name}'`,
    )
    changes.push(
      creation(child, unitId, {
        runId,
        foreignId: start.foreignId,
        status: startOf(child, start.options.startAt),
        object: await child.codec.encode(value, owner),
        metadata: start.options.metadata ?? {},
        ...(traceparent === undefined ? undefined : { traceparent }),
        parent: { workflowName: parent.workflowName, runId: parent.runId, join: joinOf(next.status, next.entered.version) },
      }),
    )
  }
  return changes
}

const contexts = new WeakMap<EngineContext, Map<ContractModel, EngineContext>>()

/** The same engine, speaking of another contract. */
export function contextOf(ctx: EngineContext, contract: ContractModel): EngineContext {
  if (ctx.contract === contract) return ctx
  let byContract = contexts.get(ctx)
  if (byContract === undefined) contexts.set(ctx, (byContract = new Map()))
  let context = byContract.get(contract)
  if (context === undefined) {
    context = { ...ctx, contract, topics: new Topics(contract), codec: ctx.codec.of(contract) }
    byContract.set(contract, context)
  }
  return context
}
