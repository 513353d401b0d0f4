import { Fenced } from '../errors.ts'
import type { Fence } from '../model/role.ts'
import type { ReceiverInfo, SlotClaim } from '../ports/event-streamer.ts'
import type { Cursor, CursorOwner } from './cursor.ts'

/** Whoever reads some slots of a group. */
export interface GroupReader extends CursorOwner {
  /** A newer holder has taken a slot. */
  readonly onFenced: (slot: number) => void
}

interface Claim {
  fence: Fence
  reader: GroupReader | undefined
}

/** A durable receiver: its cursors, and who holds its slots. */
export class ReceiverGroup {
  readonly name: string
  readonly workflowName: string
  readonly cursors: Map<string, Cursor[]> = new Map()
  readonly #claims = new Map<number, Claim>()
  readonly #missing: ((slot: number) => Cursor) | undefined

  /** @param missing Makes the cursor of a slot that nobody has asked for before; without it there are those that `cursors` has. */
  constructor(name: string, workflowName: string, missing?: (slot: number) => Cursor) {
    this.name = name
    this.workflowName = workflowName
    this.#missing = missing
  }

  /** The cursor of a topic and slot. */
  cursor(topic: string, slot: number): Cursor | undefined {
    const cursors = this.cursors.get(topic)
    // Filled up in order, so that the array never has holes.
    while (this.#missing !== undefined && cursors !== undefined && cursors.length <= slot) cursors.push(this.#missing(cursors.length))
    return cursors?.[slot]
  }

  /**
   * Gives a slot of some topics to a reader. Answers false if a newer holder has it. Tokens of different domains cannot be
   * compared: then whoever comes last has it. A claim of a past domain that comes late takes it for a moment; to remember
   * which domain is past would shut out the present one for good, where the past one is heard of last.
   */
  claim({ slot, fence }: SlotClaim, reader: GroupReader, topics: readonly string[]): boolean {
    const held = this.#claims.get(slot)
    if (held !== undefined) {
      if (domainOf(fence) === domainOf(held.fence) && fence.token < held.fence.token) return false
      held.fence = fence
      if (held.reader === reader) return true
      held.reader?.onFenced(slot)
      held.reader = reader
    } else {
      this.#claims.set(slot, { fence, reader })
    }
    for (const topic of topics) this.cursor(topic, slot)?.attach(reader)
    return true
  }

  /** Gives back what a reader has of a slot. */
  release(slot: number, reader: GroupReader): void {
    const held = this.#claims.get(slot)
    if (held?.reader !== reader) return
    held.reader = undefined
    for (const cursors of this.cursors.values()) if (cursors[slot]?.owner === reader) cursors[slot].detach()
  }

  remove(): void {
    for (const [slot, claim] of this.#claims) claim.reader?.onFenced(slot)
    for (const cursors of this.cursors.values()) for (const cursor of cursors) cursor.remove()
  }

  info(): ReceiverInfo {
    let lag = 0
    let oldestMs = Number.POSITIVE_INFINITY
    for (const cursors of this.cursors.values()) {
      for (const cursor of cursors) {
        lag += cursor.lag
        if (cursor.lag > 0) oldestMs = Math.min(oldestMs, cursor.log.sentAtMs(cursor.pinned) ?? oldestMs)
      }
    }
    return { name: this.name, topics: [...this.cursors.keys()], lag, ...(Number.isFinite(oldestMs) ? { oldest: new Date(oldestMs) } : {}) }
  }
}

function domainOf(fence: Fence): string {
  return `${fence.role}\n${fence.domain}`
}

/** The error for slots that a newer holder has. */
export function fencedSlots(receiver: string, slots: readonly number[]): Fenced {
  return new Fenced(`receiver ${JSON.stringify(receiver)}: a newer holder has slots ${slots.join(', ')}; stop working on their events`, {
    details: { receiver, slots },
  })
}
