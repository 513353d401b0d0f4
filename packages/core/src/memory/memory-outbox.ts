import type { RunEvent } from '../model/run-event.ts'
import type { OutboxReceiverOptions } from '../ports/outbox.ts'
import { Cursor } from './cursor.ts'
import { MemoryReceiver } from './memory-receiver.ts'
import { ReceiverGroup } from './receiver-group.ts'
import { SlotLog } from './slot-log.ts'

/** The outbox names no topic: its events do. */
const topic = ''

/** The committed events that still must be sent elsewhere, per workflow and slot. Forgets what was acknowledged. */
export class MemoryOutbox {
  readonly #groups = new Map<string, ReceiverGroup>()
  readonly listeners: Set<() => void> = new Set()

  append(event: RunEvent, nowMs: number): void {
    this.#group(event.workflowName).cursor(topic, event.slot)?.log.append(event, nowMs)
    for (const wake of this.listeners) wake()
  }

  async newReceiver(options: OutboxReceiverOptions, onDispose: (receiver: MemoryReceiver) => void): Promise<MemoryReceiver> {
    const group = this.#group(options.workflowName)
    const receiver = new MemoryReceiver(group.name, [topic], group, onDispose)
    try {
      await receiver.assign(options.claims)
    } catch (error) {
      receiver.stop()
      throw error
    }
    return receiver
  }

  #group(workflowName: string): ReceiverGroup {
    let group = this.#groups.get(workflowName)
    if (group === undefined) {
      group = new ReceiverGroup(`outbox of ${workflowName}`, workflowName, newCursor)
      group.cursors.set(topic, [])
      this.#groups.set(workflowName, group)
    }
    return group
  }
}

function newCursor(slot: number): Cursor {
  const log = new SlotLog(topic, slot)
  const cursor = new Cursor(log, 0, true)
  log.retain(0)
  return cursor
}
