import { isWorkflowError } from '../errors.ts'
import type { EngineContext } from './engine-context.ts'

/** An acknowledgement that was lost costs one more delivery. A slot that went to somebody else is no news here. */
export function ackFailed(ctx: EngineContext, runId: string, error: unknown): void {
  if (isWorkflowError(error, 'Fenced') || isWorkflowError(error, 'Stopped')) return
  ctx.logger.warn({ workflow: ctx.contract.name, runId, error }, 'an acknowledgement failed; the event will come again')
}
