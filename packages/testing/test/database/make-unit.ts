/** Units as the engine makes them: one change with its event and history. */
import { slotOf, type Change, type StreamLayout, type Unit } from '@workflow/core/adapter'

export const workflowName = 'orders'
export const topic = 'orders/created'
export const slots = 4

/** The unit that takes a run from the version before to `version`. */
export function unitOf(runId: string, version: number, bytes = 20): Unit {
  const at = new Date(1_750_000_000_000 + version)
  const id = `${runId}/${version}`
  const own = { workflowName, foreignId: `order of ${runId}`, runId, version }
  const object = { bytes: new Uint8Array(bytes).fill(version), codec: 'json', schema: 1 }
  const change: Change = {
    expect: version === 1 ? 'absent' : version - 1,
    next: {
      ...own,
      status: 'created',
      runState: 'Running',
      entered: { version, at },
      repeat: 0,
      object,
      metadata: {},
      writer: { graph: 'g', schema: 1 },
      createdAt: at,
      updatedAt: at,
    },
    event: { ...own, v: 1, kind: 'transition', status: 'created', states: ['Running'], topics: [topic], slot: slotOf(runId, slots), at },
    history: { runId, version, unitId: id, to: 'created', states: ['Running'], by: 'step', at, attempt: 1, instance: 'test', object },
  }
  return { id, changes: [change] }
}

/** Claims of every slot, by a holder that is newer with each token. */
export function claimsOf(token: bigint): { slot: number; fence: { role: string; domain: string; token: bigint } }[] {
  return Array.from({ length: slots }, (_, slot) => ({ slot, fence: { role: `orders/${slot}`, domain: 'test', token } }))
}

export const layout: StreamLayout = {
  workflowName,
  topics: [topic],
  slots,
  receivers: [{ name: 'steps', topics: [topic], from: 'earliest' }],
}
