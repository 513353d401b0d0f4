/**
 * Topics and receivers: what exists in Kafka, and what the cursor topic says of it. Creating is safe when many start at once: of
 * topics Kafka lets one win, of entries in the cursor topic the first one counts, and its writer hears of it before it goes on.
 */
import {
  Configuration,
  InvalidArgument,
  limits,
  type ReceiverSpec,
  type RunEvent,
  StoreUnavailable,
  type StreamLayout,
} from '@workflow/core/adapter'
import { randomUUID } from 'node:crypto'
import { ControlLog } from './control-log.ts'
import type { ControlRecord } from './control-record.ts'
import type { ReceiverTopic } from './control-state.ts'
import type { NewTopic, Partition } from './driver.ts'
import type { Place } from './receiver.ts'
import type { Settings } from './settings.ts'
import { cursorTopicOf, kafkaTopicOf } from './topic-name.ts'

const cursorPartitions = 16
/** How often a topic that was just created is looked for. */
const looksMax = 100
const lookMs = 100
const cleanupPolicy = 'cleanup.policy'
const compacted = {
  [cleanupPolicy]: 'compact',
  'message.timestamp.type': 'LogAppendTime',
  // Small segments are compacted soon, so that who begins to read has little to read.
  'segment.bytes': '8388608',
  'segment.ms': '3600000',
  'min.cleanable.dirty.ratio': '0.1',
} as const
/** Under this name the number of partitions of the cursor topic is kept, which must never change: slots are mapped by it. */
const itself = ''

/** How receivers are called in the cursor topic, apart from connectors. */
export function receiverKey(name: string): string {
  return `r:${name}`
}

export class Layout {
  readonly log: ControlLog
  readonly #settings: Settings
  readonly #cursorTopic: string
  /** Of our topics, as Kafka calls them: each event asks. */
  readonly #names = new Map<string, string>()
  #ready: Promise<void> | undefined

  constructor(settings: Settings) {
    this.#settings = settings
    this.#cursorTopic = cursorTopicOf(settings.prefix)
    this.log = new ControlLog({ ...settings, topic: this.#cursorTopic, ensureTopic: () => this.#ensureCursorTopic() })
  }

  /** The topic of Kafka that carries one of ours. */
  kafkaTopic(topic: string): string {
    const known = this.#names.get(topic)
    if (known !== undefined) return known
    const name = kafkaTopicOf(this.#settings.prefix, topic)
    this.#names.set(topic, name)
    return name
  }

  /** Makes sure that the cursor topic is there, and that all that is known of topics and receivers has been read. */
  async refresh(): Promise<void> {
    this.#ready ??= this.#open()
    const opening = this.#ready
    try {
      await opening
    } catch (error) {
      // Whoever comes next tries again.
      if (this.#ready === opening) this.#ready = undefined
      throw error
    }
    await this.log.catchUp([0])
  }

  async ensure({ workflowName, topics, slots, receivers }: StreamLayout): Promise<void> {
    if (!Number.isInteger(slots) || slots < 1 || slots > limits.slots)
      throw new Configuration(
        `workflow ${JSON.stringify(workflowName)}: slots must be a whole number from 1 to ${limits.slots}; got ${slots}`,
      )
    // Whoever has to create them by hand should hear of all at once.
    if (!this.#settings.create) await this.#ensureInKafka([this.#newCursorTopic(), ...this.#newTopics(topics, slots)])
    await this.refresh()
    for (const topic of topics) this.#assertSlots(workflowName, topic, slots)
    await this.#ensureTopics(workflowName, topics, slots)
    for (const receiver of receivers) await this.ensureReceiver(workflowName, receiver)
  }

  /** Creates what is missing of a durable receiver, and answers what it reads in a slot. */
  async ensureReceiver(workflowName: string, { name, topics, from }: ReceiverSpec): Promise<(slot: number) => readonly Place[]> {
    const key = receiverKey(name)
    const leaders = await this.#leadersOf(topics)
    for (const known of this.log.state.receivers()) {
      const owner = known.name === key ? [...known.topics.values()][0]?.workflowName : undefined
      if (owner !== undefined && owner !== workflowName)
        throw new Configuration(
          `receiver ${JSON.stringify(name)} belongs to workflow ${JSON.stringify(owner)}; give that of ${JSON.stringify(workflowName)} another name`,
        )
    }
    const entries = await this.ensureEntries(
      key,
      workflowName,
      topics.map((topic) => ({ topic, partitions: this.#partitionsOf(topic) })),
      from,
    )
    return (slot) =>
      topics.map((topic) => {
        const entry = entries.get(topic)
        return {
          spec: { topic, slot, at: { topic: this.kafkaTopic(topic), partition: slot }, name: sourceName(topic, entry) },
          offset: entry?.positions[slot] ?? 0,
          leader: leaders.get(topic)?.[slot] ?? '',
        }
      })
  }

  /** The entries of a receiver for some topics; those that are missing are made. */
  async ensureEntries(
    key: string,
    workflowName: string,
    topics: readonly { readonly topic: string; readonly partitions: readonly Partition[] }[],
    from: ReceiverSpec['from'],
  ): Promise<ReadonlyMap<string, ReceiverTopic>> {
    const missing = topics.filter(({ topic }) => this.log.state.receiverTopic(key, topic) === undefined)
    const offsets = await this.#settings.driver.offsets(
      missing.flatMap(({ partitions }) => partitions),
      offsetOf(from),
    )
    let first = 0
    const records = missing.map(({ topic, partitions }): ControlRecord & { readonly kind: 'receiver' } => {
      const positions = offsets.slice(first, first + partitions.length)
      first += partitions.length
      return { kind: 'receiver', receiver: key, topic, id: randomUUID().slice(0, 8), workflowName, positions }
    })
    if (records.length > 0) await this.log.append(() => records)
    const { state } = this.log
    const late = records.filter(({ topic, id }) => state.receiverTopic(key, topic)?.id !== id)
    if (late.length > 0)
      await this.log.append(() => late.map(({ kind, receiver, topic, id }) => ({ kind, receiver, topic, id, gone: true })))
    return new Map(topics.flatMap(({ topic }) => [[topic, state.receiverTopic(key, topic)] as const]).filter(isKnown))
  }

  /** Every slot of some topics, from where somebody who leaves nothing behind begins. */
  async ephemeralPlaces(topics: readonly string[], from: 'latest' | Date): Promise<readonly Place[]> {
    const unique = [...new Set(topics)]
    const leaders = await this.#leadersOf(unique)
    const partitions = unique.flatMap((topic) => this.#partitionsOf(topic).map((at) => ({ topic, at })))
    const offsets = await this.#settings.driver.offsets(
      partitions.map(({ at }) => at),
      offsetOf(from),
    )
    return partitions.map(({ topic, at }, n) => ({
      spec: { topic, slot: at.partition, at, name: topic },
      offset: offsets[n] ?? 0,
      leader: leaders.get(topic)?.[at.partition] ?? '',
    }))
  }

  /** Throws `Configuration` for events of topics that nobody has laid out, `InvalidArgument` for slots that there are not. */
  async assertKnown(events: readonly RunEvent[]): Promise<void> {
    const { state } = this.log
    const unknown = (): boolean => events.some(({ topics }) => topics.some((topic) => state.slotsOf(topic) === undefined))
    if (this.#ready === undefined || unknown()) await this.refresh()
    for (const { runId, topics, slot } of events) {
      for (const topic of topics) {
        const slots = this.#slotsOf(topic)
        if (slot >= slots)
          throw new InvalidArgument(
            `event of run ${JSON.stringify(runId)}: slot ${slot} does not exist, topic ${JSON.stringify(topic)} has ${slots}`,
          )
      }
    }
  }

  #slotsOf(topic: string): number {
    const slots = this.log.state.slotsOf(topic)
    if (slots === undefined || topic === itself)
      throw new Configuration(
        `topic ${JSON.stringify(topic)} does not exist; call ensure with a layout that has it, as every worker does when it starts`,
      )
    return slots
  }

  #partitionsOf(topic: string): readonly Partition[] {
    const name = this.kafkaTopic(topic)
    return Array.from({ length: this.#slotsOf(topic) }, (_, partition) => ({ topic: name, partition }))
  }

  /** By our names. Throws `Configuration` for a topic that nobody has laid out, or that somebody has deleted. */
  async #leadersOf(topics: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    for (const topic of topics) this.#slotsOf(topic)
    const described = await this.#settings.driver.describe(topics.map((topic) => this.kafkaTopic(topic)))
    return new Map(
      topics.map((topic) => {
        const leaders = described.get(this.kafkaTopic(topic))
        if (leaders === undefined)
          throw new Configuration(
            `topic ${this.kafkaTopic(topic)} has been deleted from Kafka; ensure creates it again, or create it by hand`,
          )
        return [topic, leaders] as const
      }),
    )
  }

  #assertSlots(workflowName: string, topic: string, slots: number): void {
    const known = this.log.state.slotsOf(topic)
    if (topic === itself) throw new Configuration(`workflow ${JSON.stringify(workflowName)}: a topic needs a name`)
    if (known === undefined || known === slots) return
    throw new Configuration(
      `topic ${JSON.stringify(topic)} of workflow ${JSON.stringify(workflowName)} has ${known} slots, not ${slots}; the number is fixed when topics are created`,
    )
  }

  async #ensureTopics(workflowName: string, topics: readonly string[], slots: number): Promise<void> {
    const names = topics.map((topic) => this.kafkaTopic(topic))
    const described = await this.#ensureInKafka(this.#newTopics(topics, slots))
    for (const [topic, leaders] of described) {
      if (leaders.length >= slots) continue
      throw new Configuration(
        `topic ${topic} has ${leaders.length} partitions, and workflow ${JSON.stringify(workflowName)} needs one for each of its ${slots} slots: ` +
          'add partitions, or lower slots in the options of build',
      )
    }
    for (const [topic, policy] of await this.#policies(names)) {
      if (policy === 'delete') continue
      throw new Configuration(
        `topic ${topic} has cleanup.policy ${JSON.stringify(policy)}, which forgets events that nobody has read, or keeps them for ever: set it to delete`,
      )
    }
    const { state } = this.log
    const fresh = topics.filter((topic) => state.slotsOf(topic) === undefined)
    if (fresh.length === 0) return
    await this.log.append(() => fresh.map((topic) => ({ kind: 'topic', topic, slots })))
    const lost = fresh.filter((topic) => state.slotsOf(topic) !== slots)
    if (lost.length === 0) return
    // Somebody was faster, with another number.
    await this.log.append(() => lost.map((topic) => ({ kind: 'topic', topic, slots, gone: true })))
    for (const topic of lost) this.#assertSlots(workflowName, topic, slots)
  }

  async #policies(topics: readonly string[]): Promise<ReadonlyMap<string, string | undefined>> {
    const settings = await this.#settings.driver.settings(topics, [cleanupPolicy])
    return new Map([...settings].map(([topic, its]) => [topic, its.get(cleanupPolicy)]))
  }

  async #ensureCursorTopic(): Promise<readonly string[]> {
    return (await this.#ensureInKafka([this.#newCursorTopic()])).get(this.#cursorTopic) ?? []
  }

  async #open(): Promise<void> {
    const leaders = await this.#ensureCursorTopic()
    const policy = (await this.#policies([this.#cursorTopic])).get(this.#cursorTopic)
    if (policy !== 'compact')
      throw new Configuration(
        `topic ${this.#cursorTopic} must be compacted, or cursors are forgotten: set its cleanup.policy to compact; it is ${JSON.stringify(policy)}`,
      )
    this.log.open(leaders)
    await this.log.catchUp([0])
    const { state } = this.log
    if (state.slotsOf(itself) === undefined) await this.log.append(() => [{ kind: 'topic', topic: itself, slots: leaders.length }])
    this.log.fixPartitions(state.slotsOf(itself) ?? leaders.length)
  }

  /** The leaders of topics, which are created where they are missing, if that is wanted. */
  async #ensureInKafka(topics: readonly NewTopic[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const { driver, create, clock } = this.#settings
    for (let look = 0; ; look++) {
      const described = await driver.describe(topics.map(({ topic }) => topic))
      const missing = topics.filter(({ topic }) => !described.has(topic))
      if (missing.length === 0) return described
      const names = missing.map(({ topic, partitions }) => `${topic} (${partitions} partitions)`).join(', ')
      if (!create)
        throw new Configuration(
          `Kafka has no topic ${names}, and topics is 'require': create them, the cursor topic with cleanup.policy=compact`,
        )
      if (look === looksMax) throw new StoreUnavailable(`topics were created, and brokers do not know them yet: ${names}; try again`)
      if (look === 0) await driver.create(missing)
      // A broker may hear of a topic a little later than the one that was asked to create it.
      else await new Promise<void>((resolve) => clock.setTimer(lookMs, resolve))
    }
  }

  #newCursorTopic(): NewTopic {
    return this.#newTopic(this.#cursorTopic, cursorPartitions, compacted)
  }

  /** Of events, by our names. */
  #newTopics(topics: readonly string[], slots: number): readonly NewTopic[] {
    const partitions = Math.max(slots, this.#settings.partitions ?? slots)
    return topics.map((topic) => this.#newTopic(this.kafkaTopic(topic), partitions, this.#settings.topicSettings))
  }

  #newTopic(topic: string, partitions: number, settings: Readonly<Record<string, string>>): NewTopic {
    return { topic, partitions, replicationFactor: this.#settings.replicationFactor, settings }
  }
}

/** The name of a source in cursors. The entry's id is part of it: a receiver that was removed and made anew begins anew. */
export function sourceName(source: string, entry: ReceiverTopic | undefined): string {
  return `${entry?.id ?? ''} ${source}`
}

function offsetOf(from: ReceiverSpec['from']): 'earliest' | 'latest' | number {
  const at = from instanceof Date ? from.getTime() : from
  if (at === 'earliest' || at === 'latest' || (typeof at === 'number' && !Number.isNaN(at))) return at
  throw new Configuration(`a receiver begins at 'earliest', at 'latest' or at a Date; got ${String(from)}`)
}

function isKnown(entry: readonly [string, ReceiverTopic | undefined]): entry is readonly [string, ReceiverTopic] {
  return entry[1] !== undefined
}
