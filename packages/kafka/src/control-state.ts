/**
 * What the cursor topic says, read from its beginning in order: topics, receivers, holders of slots and their cursors. Everybody
 * who reads the log comes to the same answer, so the log decides between holders: a claim counts unless a newer token of its domain
 * came before it, and a cursor counts only while the claim that it names is the last one that counted.
 */
import type { ControlRecord } from './control-record.ts'

/** A receiver's entry for one topic. */
export interface ReceiverTopic {
  readonly id: string
  readonly workflowName: string
  /** By slot. */
  readonly positions: readonly number[]
}

interface Holder {
  readonly epoch: string
  readonly domain: string
  readonly token: bigint
  readonly sources: readonly string[]
}

/** What is known of one slot of one receiver. */
interface SlotState {
  holder: Holder | undefined
  readonly cursors: Map<string, number>
  /** Claims whose records are still in the log. */
  readonly epochs: Set<string>
}

export class ControlState {
  readonly #topics = new Map<string, number[]>()
  readonly #receivers = new Map<string, Map<string, ReceiverTopic[]>>()
  readonly #slots = new Map<string, Map<number, SlotState>>()
  readonly #onSuperseded: (epoch: string) => void

  /** @param onSuperseded Is told of each claim that counts no longer. */
  constructor(onSuperseded: (epoch: string) => void) {
    this.#onSuperseded = onSuperseded
  }

  /** Adds the next record of a partition. */
  apply(record: ControlRecord): void {
    switch (record.kind) {
      case 'topic':
        return this.#applyTopic(record)
      case 'receiver':
        return this.#applyReceiver(record)
      case 'claim':
        return this.#applyClaim(record)
      case 'cursor':
        return this.#applyCursor(record)
    }
  }

  /** How many slots a topic has; undefined where nobody has said. */
  slotsOf(topic: string): number | undefined {
    return this.#topics.get(topic)?.[0]
  }

  /** The entry that counts of a receiver and topic. */
  receiverTopic(receiver: string, topic: string): ReceiverTopic | undefined {
    return this.#receivers.get(receiver)?.get(topic)?.[0]
  }

  /** Every receiver with its topics. */
  *receivers(): Iterable<{ readonly name: string; readonly topics: ReadonlyMap<string, ReceiverTopic> }> {
    for (const [name, entries] of this.#receivers) {
      const topics = new Map<string, ReceiverTopic>()
      for (const [topic, [first]] of entries) if (first !== undefined) topics.set(topic, first)
      if (topics.size > 0) yield { name, topics }
    }
  }

  /** The claim that counts now. */
  holderOf(receiver: string, slot: number): string | undefined {
    return this.#slots.get(receiver)?.get(slot)?.holder?.epoch
  }

  /** Where the acknowledged prefix of a source ends; undefined where nothing was ever acknowledged. */
  cursor(receiver: string, slot: number, source: string): number | undefined {
    return this.#slots.get(receiver)?.get(slot)?.cursors.get(source)
  }

  /** What takes the records away that a claim has made superfluous. */
  older(receiver: string, slot: number, epoch: string): readonly ControlRecord[] {
    return this.#gone(receiver, slot, (other) => other !== epoch)
  }

  /** The log is another one, in which nobody holds anything. What else is known stays, until that log says otherwise. */
  beginAnew(): void {
    for (const slots of this.#slots.values()) {
      for (const state of slots.values()) {
        const { holder } = state
        state.holder = undefined
        state.epochs.clear()
        if (holder !== undefined) this.#onSuperseded(holder.epoch)
      }
    }
  }

  /** What makes topics and receivers known. */
  lasting(): readonly ControlRecord[] {
    const topics = [...this.#topics].flatMap(([topic, [slots]]): readonly ControlRecord[] =>
      slots === undefined ? [] : [{ kind: 'topic', topic, slots }],
    )
    const receivers = [...this.receivers()].flatMap(({ name: receiver, topics: entries }) =>
      [...entries].map(([topic, entry]): ControlRecord => ({ kind: 'receiver', receiver, topic, ...entry })),
    )
    return [...topics, ...receivers]
  }

  /** What takes every record of a receiver away. */
  removal(receiver: string): readonly ControlRecord[] {
    const topics = [...(this.#receivers.get(receiver) ?? [])].flatMap(([topic, entries]) =>
      entries.map(({ id }): ControlRecord => ({ kind: 'receiver', receiver, topic, id, gone: true })),
    )
    return [...topics, ...[...(this.#slots.get(receiver)?.keys() ?? [])].flatMap((slot) => this.#gone(receiver, slot, () => true))]
  }

  #gone(receiver: string, slot: number, concerns: (epoch: string) => boolean): readonly ControlRecord[] {
    return [...(this.#slots.get(receiver)?.get(slot)?.epochs ?? [])].filter(concerns).flatMap((epoch): readonly ControlRecord[] => [
      { kind: 'cursor', receiver, slot, epoch, gone: true },
      { kind: 'claim', receiver, slot, epoch, gone: true },
    ])
  }

  #applyTopic({ topic, slots, gone }: ControlRecord & { kind: 'topic' }): void {
    const known = this.#topics.get(topic) ?? []
    if (gone === true)
      this.#topics.set(
        topic,
        known.filter((other) => other !== slots),
      )
    else if (!known.includes(slots)) this.#topics.set(topic, [...known, slots])
  }

  #applyReceiver(record: ControlRecord & { kind: 'receiver' }): void {
    const { receiver, topic, id } = record
    const topics = this.#receivers.get(receiver) ?? new Map<string, ReceiverTopic[]>()
    const entries = topics.get(topic) ?? []
    if ('gone' in record)
      topics.set(
        topic,
        entries.filter((entry) => entry.id !== id),
      )
    else if (!entries.some((entry) => entry.id === id))
      topics.set(topic, [...entries, { id, workflowName: record.workflowName, positions: record.positions }])
    this.#receivers.set(receiver, topics)
  }

  #applyClaim(record: ControlRecord & { kind: 'claim' }): void {
    const state = this.#slot(record.receiver, record.slot)
    const { epoch } = record
    const { holder } = state
    if ('gone' in record) {
      state.epochs.delete(epoch)
      if (holder?.epoch !== epoch) return
      state.holder = undefined
      state.cursors.clear()
      this.#onSuperseded(epoch)
      return
    }
    const { domain, token, sources } = record
    state.epochs.add(epoch)
    if (holder !== undefined && holder.domain === domain && token < holder.token) return
    state.holder = { epoch, domain, token, sources }
    if (holder !== undefined && holder.epoch !== epoch) this.#onSuperseded(holder.epoch)
  }

  #applyCursor(record: ControlRecord & { kind: 'cursor' }): void {
    if ('gone' in record) return
    const { holder, cursors } = this.#slot(record.receiver, record.slot)
    if (holder?.epoch !== record.epoch) return
    for (const [n, source] of holder.sources.entries()) {
      const position = record.positions[n]
      if (position !== undefined) cursors.set(source, position)
    }
  }

  #slot(receiver: string, slot: number): SlotState {
    const slots = this.#slots.get(receiver) ?? new Map<number, SlotState>()
    this.#slots.set(receiver, slots)
    const state = slots.get(slot) ?? { holder: undefined, cursors: new Map<string, number>(), epochs: new Set<string>() }
    slots.set(slot, state)
    return state
  }
}
