/** Events as the engine would send them. */
import type { RunEvent, SlotClaim, StreamLayout } from '@workflow/core/adapter'

export const topic = 'orders/created'

/** The first event of a run, or another one. */
export function eventOf(run: number, slot: number, fields: Partial<RunEvent> = {}): RunEvent {
  return {
    v: 1,
    kind: 'transition',
    workflowName: 'orders',
    foreignId: `order-${run}`,
    runId: `run-${run}`,
    version: 1,
    status: 'created',
    states: ['Initiated', 'Running'],
    topics: [topic],
    slot,
    at: new Date(),
    ...fields,
  }
}

export function layoutOf(topics: readonly string[] = [topic]): StreamLayout {
  return { workflowName: 'orders', topics, slots: 4, receivers: [{ name: 'orders', topics, from: 'earliest' }] }
}

export function claimsOf(slots: number, token = 1): readonly SlotClaim[] {
  return Array.from({ length: slots }, (_, slot) => ({ slot, fence: { role: `orders/${slot}`, domain: 'd', token: BigInt(token) } }))
}
