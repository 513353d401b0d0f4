/**
 * Acknowledges deliveries whose work is done. One that is not acknowledged comes again only when its receiver ends: until
 * then it would hold back the cursor, what is kept because of it, and the sweeper, which looks only behind it.
 */
import { isWorkflowError } from '../errors.ts'
import type { RunEvent } from '../model/run-event.ts'
import type { Delivery } from '../ports/event-streamer.ts'
import { runFields } from './log-fields.ts'
import { sleep } from './waiting.ts'
import type { WorkerContext } from './worker-context.ts'

const retryMs = 1_000

/** Never rejects, and nobody waits for it: it goes on until it is through, the slot has gone to somebody else, or the workflow stops. */
export function acknowledge(ctx: WorkerContext, delivery: Delivery<RunEvent>): void {
  ctx.ack(delivery).catch((error: unknown) => acknowledgeAgain(ctx, delivery, error))
}

async function acknowledgeAgain(ctx: WorkerContext, delivery: Delivery<RunEvent>, first: unknown): Promise<void> {
  for (let error = first; ; ) {
    // A slot that went to somebody else is no news here.
    if (ctx.stopping.aborted || isWorkflowError(error, 'Fenced') || isWorkflowError(error, 'Stopped')) return
    ctx.logger.warn({ ...runFields(delivery.event, 'runs'), error }, 'an acknowledgement failed; trying again')
    try {
      await sleep(ctx.clock, retryMs / 2 + (ctx.random() * retryMs) / 2, ctx.stopping)
      return await ctx.ack(delivery)
    } catch (failure) {
      error = failure
    }
  }
}
