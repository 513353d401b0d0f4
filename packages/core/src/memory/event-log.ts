import { Configuration, InvalidArgument } from '../errors.ts'
import type { RunEvent } from '../model/run-event.ts'
import type { ReceiverSpec, StreamLayout } from '../ports/event-streamer.ts'
import { Cursor } from './cursor.ts'
import { ReceiverGroup } from './receiver-group.ts'
import { SlotLog } from './slot-log.ts'

interface Topic {
  readonly name: string
  /** Undefined until the topic is laid out: events may be sent before anybody reads. */
  slots: number | undefined
  readonly logs: SlotLog[]
}

/** Topics, their events and their durable receivers: the stream of one database. */
export class EventLog {
  readonly groups: Map<string, ReceiverGroup> = new Map()
  readonly #topics = new Map<string, Topic>()
  readonly #retained: number

  /** @param retained How many events per topic and slot stay after every durable receiver has acknowledged them. */
  constructor(retained: number) {
    this.#retained = retained
  }

  /** Puts an event into one topic. */
  append(topic: string, event: RunEvent, nowMs: number): void {
    this.log(topic, event.slot).append(event, nowMs)
  }

  /** Throws `InvalidArgument` for an event that no receiver of its topics would ever see. */
  assertSlots(event: RunEvent): void {
    for (const name of event.topics) {
      const slots = this.#topics.get(name)?.slots ?? Number.POSITIVE_INFINITY
      if (event.slot >= slots)
        throw new InvalidArgument(
          `event of run ${JSON.stringify(event.runId)}: slot ${event.slot} does not exist, topic ${JSON.stringify(name)} has ${slots}`,
        )
    }
  }

  log(topicName: string, slot: number): SlotLog {
    const topic = this.#topic(topicName)
    return topic.logs[slot] ?? this.#newLog(topic, slot)
  }

  /** How many slots a topic has. Throws `Configuration` for one that nobody has laid out. */
  slotsOf(topicName: string): number {
    const slots = this.#topics.get(topicName)?.slots
    if (slots === undefined)
      throw new Configuration(`topic ${JSON.stringify(topicName)} does not exist; call ensure with a layout that has it`)
    return slots
  }

  ensure(layout: StreamLayout): void {
    if (!Number.isInteger(layout.slots) || layout.slots < 1)
      throw new Configuration(
        `workflow ${JSON.stringify(layout.workflowName)}: slots must be a whole number, 1 or more; got ${layout.slots}`,
      )
    for (const name of layout.topics) {
      const { slots, logs } = this.#topic(name)
      const existing = slots ?? Math.max(layout.slots, logs.length)
      if (existing !== layout.slots) {
        throw new Configuration(
          `topic ${JSON.stringify(name)} of workflow ${JSON.stringify(layout.workflowName)} has ${existing} slots, not ${layout.slots}; the number is fixed when topics are created`,
        )
      }
    }
    for (const name of layout.topics) this.#layOut(this.#topic(name), layout.slots)
    for (const receiver of layout.receivers) this.ensureGroup(layout.workflowName, receiver)
    // Who reads the topics is known only now; before, nothing of them could be forgotten.
    for (const name of layout.topics) for (const log of this.#topic(name).logs) log.retain(this.#retained)
  }

  /** Creates what is missing of a durable receiver and fixes its first position on every slot. */
  ensureGroup(workflowName: string, spec: ReceiverSpec): ReceiverGroup {
    for (const topic of spec.topics) this.slotsOf(topic)
    let group = this.groups.get(spec.name)
    if (group !== undefined && group.workflowName !== workflowName) {
      throw new Configuration(
        `receiver ${JSON.stringify(spec.name)} belongs to workflow ${JSON.stringify(group.workflowName)}; give that of ${JSON.stringify(workflowName)} another name`,
      )
    }
    group ??= new ReceiverGroup(spec.name, workflowName)
    this.groups.set(spec.name, group)
    for (const topic of spec.topics) {
      if (group.cursors.has(topic)) continue
      const logs = Array.from({ length: this.slotsOf(topic) }, (_, slot) => this.log(topic, slot))
      group.cursors.set(
        topic,
        logs.map((log) => new Cursor(log, startOf(log, spec.from), true)),
      )
    }
    return group
  }

  #topic(name: string): Topic {
    let topic = this.#topics.get(name)
    if (topic === undefined) {
      topic = { name, slots: undefined, logs: [] }
      this.#topics.set(name, topic)
    }
    return topic
  }

  #newLog(topic: Topic, slot: number): SlotLog {
    // Filled up in order, so that the array never has holes.
    for (let next = topic.logs.length; next <= slot; next++) topic.logs.push(new SlotLog(topic.name, next))
    return topic.logs[slot] ?? new SlotLog(topic.name, slot)
  }

  #layOut(topic: Topic, slots: number): void {
    if (topic.slots !== undefined) return
    topic.slots = slots
    this.#newLog(topic, slots - 1)
  }
}

/** The position of a receiver that is new to a log. */
export function startOf(log: SlotLog, from: ReceiverSpec['from']): number {
  if (from === 'earliest') return log.start
  return from === 'latest' ? log.end : log.positionAt(from.getTime())
}
