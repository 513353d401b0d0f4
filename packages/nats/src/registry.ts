/** What is known of a workflow's topics and durable receivers: records on the server that grow and never shrink by themselves. */
import { Configuration, type ReceiverSpec, type StreamLayout } from '@workflow/core/adapter'
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream'
import { endOf } from './event-pack.ts'
import type { StreamFacts } from './feed.ts'
import type { Link } from './session.ts'
import { ensureEventStream, streamInfo } from './streams.ts'
import type { Settings } from './settings.ts'
import type { Names } from './subject.ts'

/** The topics of a workflow. */
export interface LayoutRecord {
  readonly v: 1
  readonly workflowName: string
  readonly slots: number
  readonly topics: readonly string[]
}

/** A durable receiver. */
export interface ReceiverRecord {
  readonly v: 1
  readonly name: string
  readonly workflowName: string
  /** The stream that the starts are places of, by the date of its creation. */
  readonly stream: string
  /** Per topic the place after which the receiver begins where it has no cursor yet. */
  readonly starts: Readonly<Record<string, number>>
}

const nanos = 1_000_000

export class Registry {
  readonly #link: Link
  readonly #names: Names
  readonly #settings: Settings

  constructor(link: Link, names: Names, settings: Settings) {
    this.#link = link
    this.#names = names
    this.#settings = settings
  }

  /** Makes sure of stream and topics. */
  async ensureTopics({ workflowName, slots, topics }: StreamLayout): Promise<LayoutRecord> {
    const { connection, state } = this.#link
    const subject = this.#names.layout(workflowName)
    const refuse = (present: LayoutRecord | undefined): void => {
      if (present !== undefined && present.slots !== slots)
        throw new Configuration(
          `the topics of workflow ${JSON.stringify(workflowName)} have ${present.slots} slots, not ${slots}: the number is fixed when they are created; set it back to ${present.slots}`,
        )
    }
    refuse((await state.get<LayoutRecord>(subject))?.value)
    const { config } = await ensureEventStream(
      this.#link,
      this.#names,
      workflowName,
      this.#settings,
      connection.info?.cluster !== undefined,
    )
    this.#link.messageBytesMax.set(config.name, config.max_msg_size)
    const layout = await state.change<LayoutRecord>(subject, (present) => {
      refuse(present)
      const all = [...new Set([...(present?.topics ?? []), ...topics])]
      return present?.topics.length === all.length ? undefined : { v: 1, workflowName, slots, topics: all }
    })
    return layout ?? { v: 1, workflowName, slots, topics }
  }

  /** The layout of a workflow that has `topics`. */
  async layoutWith(workflowName: string, topics: readonly string[]): Promise<LayoutRecord> {
    const layout = (await this.#link.state.get<LayoutRecord>(this.#names.layout(workflowName)))?.value
    const unknown = topics.filter((topic) => layout?.topics.includes(topic) !== true)
    if (layout === undefined || unknown.length > 0)
      throw new Configuration(
        `workflow ${JSON.stringify(workflowName)} has no topic ${unknown.map((topic) => JSON.stringify(topic)).join(', ')}: call ensure with it first`,
      )
    return layout
  }

  /** Creates a receiver, or adds the topics that it lacks. Throws `Configuration` for a name of another workflow. */
  async ensureReceiver(workflowName: string, { name, topics, from }: ReceiverSpec): Promise<ReceiverRecord> {
    const { state } = this.#link
    const subject = this.#names.receiver(name)
    const lacking = (present: ReceiverRecord | undefined): readonly string[] =>
      [...new Set(topics)].filter((topic) => present?.starts[topic] === undefined)
    const known = await state.change<ReceiverRecord>(subject, () => undefined)
    if (known?.workflowName === workflowName && lacking(known).length === 0) return known
    const facts = await this.facts(workflowName)
    const start = await this.startOf(workflowName, from, facts)
    const record = await state.change<ReceiverRecord>(subject, (present) => {
      if (present !== undefined && present.workflowName !== workflowName)
        throw new Configuration(
          `the receiver ${JSON.stringify(name)} belongs to workflow ${JSON.stringify(present.workflowName)}: choose another name for the one of ${JSON.stringify(workflowName)}`,
        )
      const missing = lacking(present)
      if (present !== undefined && missing.length === 0) return undefined
      const starts = { ...present?.starts, ...Object.fromEntries(missing.map((topic) => [topic, start])) }
      return { v: 1, name, workflowName, stream: present?.stream ?? facts.created, starts }
    })
    return record ?? { v: 1, name, workflowName, stream: facts.created, starts: {} }
  }

  /** What the stream of a workflow is like now. */
  async facts(workflowName: string): Promise<StreamFacts> {
    const stream = this.#names.eventStream(workflowName)
    const info = await streamInfo(this.#link, stream)
    if (info === undefined)
      throw new Configuration(`workflow ${JSON.stringify(workflowName)} has no stream ${stream}: call ensure first, or create it`, {
        details: { stream },
      })
    return { firstSeq: Math.max(1, info.state.first_seq), lastSeq: info.state.last_seq, created: String(info.created) }
  }

  /** The place after which a new receiver begins. */
  startOf(workflowName: string, from: ReceiverSpec['from'], facts: StreamFacts): Promise<number> {
    return startIn(this.#link, this.#names.eventStream(workflowName), from, facts)
  }
}

/** The place in a stream after which somebody new begins. Throws `Configuration` for what is no beginning. */
export async function startIn(link: Link, stream: string, from: ReceiverSpec['from'], facts: StreamFacts): Promise<number> {
  if (from === 'earliest') return endOf(facts.firstSeq - 1)
  if (from === 'latest') return endOf(facts.lastSeq)
  if (!(from instanceof Date) || Number.isNaN(from.getTime()))
    throw new Configuration(`a receiver begins at 'earliest', at 'latest' or at a Date; got ${String(from)}`)
  return endOf(Math.min(await seqBefore(link, stream, from), facts.lastSeq))
}

/** The last message of a stream that was stored before a date. */
async function seqBefore({ manager }: Link, stream: string, date: Date): Promise<number> {
  const { name, delivered } = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: date.toISOString(),
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: 10_000 * nanos,
  })
  await manager.consumers.delete(stream, name).catch(() => undefined)
  return delivered.stream_seq
}
