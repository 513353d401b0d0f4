import { isWorkflowError } from '../errors.ts'
import type { RunEvent } from '../model/run-event.ts'
import type { Delivery, EventReceiver } from '../ports/event-streamer.ts'
import type { RunChange } from '../run-changes.ts'
import type { EngineContext } from './engine-context.ts'
import { sleep, turn } from './waiting.ts'

const batch = 256
const retryMs = 1_000

/**
 * What the runs of a workflow do, from when this resolves. Pulled from a receiver that leaves nothing behind, at the pace of
 * the reader. A stream that cannot be read is tried again; what it has lost meanwhile is left out.
 */
export async function changes(ctx: EngineContext, stop: AbortSignal): Promise<AsyncIterable<RunChange>> {
  stop.throwIfAborted()
  const receiver = await ctx.streamer.newReceiver({
    durable: false,
    workflowName: ctx.contract.name,
    topics: ctx.topics.all,
    from: 'latest',
  })
  let disposed: Promise<void> | undefined
  const dispose = (): Promise<void> => {
    // Whoever breaks off leaves nothing at a signal that may live as long as the client.
    stop.removeEventListener('abort', end)
    return (disposed ??= Promise.resolve(receiver[Symbol.asyncDispose]()).catch((error: unknown) => warn(ctx, error)))
  }
  // Also where nobody has begun to read.
  const end = (): void => void dispose()
  stop.addEventListener('abort', end)
  if (stop.aborted) await dispose()
  return reading(ctx, receiver, stop, dispose)
}

async function* reading(
  ctx: EngineContext,
  receiver: EventReceiver<RunEvent>,
  stop: AbortSignal,
  dispose: () => Promise<void>,
): AsyncGenerator<RunChange, void> {
  try {
    while (!stop.aborted) {
      let deliveries: readonly Delivery<RunEvent>[]
      try {
        deliveries = await receiver.receive({ max: batch, signal: stop })
      } catch (error) {
        if (stop.aborted || isWorkflowError(error, 'Stopped')) return
        warn(ctx, error)
        await sleep(ctx.clock, retryMs, stop).catch(() => undefined)
        continue
      }
      for (const delivery of deliveries) {
        const change = read(ctx, delivery)
        if (change !== undefined) yield change
      }
      await turn(ctx.clock)
    }
  } finally {
    await dispose()
  }
}

function warn(ctx: EngineContext, error: unknown): void {
  ctx.logger.warn(
    { workflow: ctx.contract.name, process: 'changes', error },
    'reading the stream failed; what happens meanwhile may be missed',
  )
}

/** An event that cannot be read is left out, and ends nothing. */
function read(ctx: EngineContext, delivery: Delivery<RunEvent>): RunChange | undefined {
  try {
    const { event, topic } = delivery
    return topic === event.topics[0] ? changeOf(event) : undefined
  } catch (error) {
    ctx.logger.error(
      { workflow: ctx.contract.name, process: 'changes', slot: delivery.slot, error },
      'an event cannot be read; leaving it out',
    )
    return undefined
  }
}

/** Undefined for what only says that a run is to be looked at. */
function changeOf(event: RunEvent): RunChange | undefined {
  const state = event.states.at(-1)
  if (event.kind !== 'transition' || state === undefined) return undefined
  const { runId, foreignId, version, previousStatus, status, at } = event
  return { runId, foreignId, version, ...(previousStatus === undefined ? undefined : { from: previousStatus }), status, state, at }
}
