/** What the tests send and read. */
import type { Delivery, EventReceiver, EventStreamer, ReceiverSpec, RunEvent, SlotClaim } from '@workflow/core/adapter'
import type { Nats } from '../src/index.ts'

export const workflowName = 'orders'
export const topic = 'orders/created'
export const spec: ReceiverSpec = { name: 'steps', topics: [topic], from: 'earliest' }
export const slots = 4

export function eventOf(version: number, slot = 0, runId = `run-${slot}`): RunEvent {
  const of = { workflowName, foreignId: `order of ${runId}`, runId, version }
  return { ...of, v: 1, kind: 'transition', status: 'created', states: ['Running'], topics: [topic], slot, at: new Date() }
}

export function eventsOf(count: number, slot = 0, from = 1): readonly RunEvent[] {
  return Array.from({ length: count }, (_, n) => eventOf(from + n, slot))
}

export function claimsOf(token = 1n, of: readonly number[] = [0, 1, 2, 3]): readonly SlotClaim[] {
  return of.map((slot) => ({ slot, fence: { role: `orders/${slot}`, domain: 'test', token } }))
}

export function ensure(
  streamer: EventStreamer,
  receivers: readonly ReceiverSpec[] = [spec],
  topics: readonly string[] = [topic],
): Promise<void> {
  return streamer.ensure({ workflowName, topics, slots, receivers })
}

export async function send({ eventStreamer }: Nats, events: readonly RunEvent[]): Promise<void> {
  await using sender = await eventStreamer.newSender()
  await sender.send(events)
}

export function openReceiver(
  { eventStreamer }: Nats,
  claims: readonly SlotClaim[] = claimsOf(),
  of: ReceiverSpec = spec,
): Promise<EventReceiver<RunEvent>> {
  return eventStreamer.newReceiver({ ...of, durable: true, workflowName, claims })
}

/** Receives until so many have come. */
export async function take(receiver: EventReceiver<RunEvent>, count: number, withinMs = 15_000): Promise<readonly Delivery<RunEvent>[]> {
  const taken: Delivery<RunEvent>[] = []
  const signal = AbortSignal.timeout(withinMs)
  while (taken.length < count) taken.push(...(await receiver.receive({ max: count - taken.length, signal })))
  return taken
}

export function versionsOf(deliveries: readonly Delivery<RunEvent>[]): readonly number[] {
  return deliveries.map(({ event }) => event.version)
}

/** The error of code and message that a call rejects with. */
export async function refusalOf(
  work: Promise<unknown>,
): Promise<{ readonly code: unknown; readonly message: string; readonly details: unknown }> {
  try {
    await work
  } catch (error) {
    // Only errors of Workflow are expected.
    return error as { readonly code: unknown; readonly message: string; readonly details: unknown }
  }
  throw new Error('nothing was refused')
}
