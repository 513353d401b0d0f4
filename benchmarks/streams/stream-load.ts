import type { EventReceiver, RunEvent, SlotClaim, StreamLayout } from '@workflow/core/adapter'
import type { OpenedStream } from './stream-target.ts'

const workflowName = 'orders'
const slots = 16
const runs = 5_000

/** Events as the engine makes them, of runs that take turns. */
export function eventsOf(count: number): readonly RunEvent[] {
  return Array.from({ length: count }, (_, n) => eventOf(n))
}

export function eventOf(n: number): RunEvent {
  const run = n % runs
  return {
    v: 1,
    kind: 'transition',
    workflowName,
    foreignId: `order-${run}`,
    runId: `0198c0de-0000-7000-8000-${String(run).padStart(12, '0')}`,
    version: 2 + Math.floor(n / runs),
    previousStatus: 'created',
    status: 'paid',
    states: ['Running'],
    topics: ['orders/paid'],
    slot: run % slots,
    at: new Date(),
  }
}

export function layoutOf(topics: readonly string[]): StreamLayout {
  return { workflowName, topics, slots, receivers: [{ name: 'reader', topics, from: 'earliest' }] }
}

/** A receiver of all slots. */
export async function readerOf({ eventStreamer }: OpenedStream, topics: readonly string[]): Promise<EventReceiver<RunEvent>> {
  await eventStreamer.ensure(layoutOf(topics))
  const claims = Array.from(
    { length: slots },
    (_, slot): SlotClaim => ({ slot, fence: { role: `orders/${slot}`, domain: 'bench', token: 1n } }),
  )
  return eventStreamer.newReceiver({ durable: true, workflowName, name: 'reader', topics, from: 'earliest', claims })
}
