import type { Attributes } from '../ports/instrumentation.ts'
import type { EngineContext } from './engine-context.ts'

const made = new WeakMap<object, Map<string, Attributes>>()

/** The labels of a process of a workflow; made once, because hot paths use them. */
export function labelsOf(ctx: EngineContext, processName: string): Attributes {
  let byName = made.get(ctx.contract)
  if (byName === undefined) made.set(ctx.contract, (byName = new Map()))
  let labels = byName.get(processName)
  if (labels === undefined)
    byName.set(processName, (labels = Object.freeze({ workflow_name: ctx.contract.name, process_name: processName })))
  return labels
}
