import {
  assertEvent,
  Configuration,
  Stopped,
  type DurableReceiverOptions,
  type EphemeralReceiverOptions,
  type EventReceiver,
  type EventSender,
  type EventStreamer,
  type OutboxReceiverOptions,
  type ReceiverOptions,
  type ReceiverSpec,
  type RunEvent,
  type SlotClaim,
  type StreamLayout,
} from '@workflow/core/adapter'
import type { Batch } from './batch.ts'
import type { Connection } from './connection.ts'
import { claimCursor, claimsChanged, ensureReceiver, receiverId } from './cursor.ts'
import { everyTopic } from './event-log.ts'
import { fencedSlots, LogReceiver, type LogReceiverOptions } from './log-receiver.ts'
import { receiverInfos } from './receiver-info.ts'
import type { Session } from './session.ts'
import { trimEvents } from './trim-events.ts'

/** Old events are deleted after so many new ones. */
const trimEvery = 2_000

/** The streamer of a session. `source` is the record store of the same session. */
export class SqliteEventStreamer implements EventStreamer {
  readonly source: object
  readonly #session: Session
  readonly #receivers = new Set<LogReceiver>()
  /** Events sent since the last time that old ones were deleted. */
  #sent = 0
  #closed = false

  constructor(session: Session, source: object) {
    this.#session = session
    this.source = source
  }

  readonly ensure = async (layout: StreamLayout): Promise<void> => {
    if (!Number.isInteger(layout.slots) || layout.slots < 1)
      throw new Configuration(
        `a workflow needs a whole number of slots, 1 or more; ${JSON.stringify(layout.workflowName)} asks for ${String(layout.slots)}`,
      )
    await this.#write((batch) => {
      ensureTopics(batch, layout)
      for (const { name, topics, from } of layout.receivers) {
        assertTopics(batch.connection, layout.workflowName, topics)
        ensureReceiver(batch, layout.workflowName, name, topics, () => startOf(batch, from))
      }
    })
  }

  readonly newSender = async (): Promise<EventSender> => {
    this.#assertOpen()
    let ended = false
    return {
      send: async (events) => {
        if (ended) throw new Stopped('this sender has ended; open a new one')
        for (const event of events) assertEvent(event, () => `run ${JSON.stringify(event.runId)}`)
        await this.#write((batch) => {
          for (const event of events) batch.append(event, null)
        })
        this.#sent += events.length
        if (this.#sent < trimEvery) return
        this.#sent = 0
        await this.#write(trimEvents)
      },
      [Symbol.asyncDispose]: async () => {
        ended = true
      },
    }
  }

  readonly newReceiver = async (options: ReceiverOptions): Promise<EventReceiver<RunEvent>> =>
    options.durable ? this.#durable(options) : this.#ephemeral(options)

  readonly receivers: EventStreamer['receivers'] = async (workflowName) => {
    this.#assertOpen()
    return this.#session.read(this, (connection) => receiverInfos(connection, workflowName))
  }

  readonly removeReceiver = async (name: string): Promise<void> => {
    await this.#write((batch) => {
      const id = receiverId(batch, name)
      if (id === undefined) return
      batch.connection.run('DELETE FROM {cursor} WHERE receiver = ?', id)
      batch.connection.run('DELETE FROM {receiver_topic} WHERE receiver = ?', id)
      batch.connection.run('DELETE FROM {receiver} WHERE id = ?', id)
      claimsChanged(batch)
    })
  }

  readonly close = async (): Promise<void> => {
    this.#closed = true
    await Promise.all([...this.#receivers].map((receiver) => receiver[Symbol.asyncDispose]()))
    await this.#session.done(this)
  }

  /** The outbox's receiver: every event of a workflow, whatever its topics. */
  async outboxReceiver({ workflowName, claims }: OutboxReceiverOptions): Promise<EventReceiver<RunEvent>> {
    const spec: ReceiverSpec = { name: `$outbox/${workflowName}`, topics: [everyTopic], from: 'earliest' }
    return this.#claim(spec, workflowName, claims, { workflowName })
  }

  async #durable({ workflowName, claims, ...spec }: DurableReceiverOptions): Promise<EventReceiver<RunEvent>> {
    return this.#claim(spec, workflowName, claims, {})
  }

  async #claim(
    spec: ReceiverSpec,
    workflowName: string,
    claims: readonly SlotClaim[],
    filter: Pick<LogReceiverOptions, 'workflowName'>,
  ): Promise<LogReceiver> {
    const topics = new Set(spec.topics)
    const { receiver, claimed } = await this.#write((batch) => {
      if (!topics.has(everyTopic)) assertTopics(batch.connection, workflowName, spec.topics)
      const id = ensureReceiver(batch, workflowName, spec.name, spec.topics, () => startOf(batch, spec.from))
      const taken = claims.map((claim) => claimCursor(batch, id, claim, topics))
      const refused = claims.filter((_, i) => taken[i] === undefined).map(({ slot }) => slot)
      if (refused.length > 0) throw fencedSlots(refused)
      return { receiver: id, claimed: taken.filter((one) => one !== undefined) }
    })
    return this.#start({ ...filter, receiver, topics: [...topics], start: 0 }, (one) => one.start(claimed))
  }

  async #ephemeral({ workflowName, topics, from }: EphemeralReceiverOptions): Promise<EventReceiver<RunEvent>> {
    this.#assertOpen()
    const start = await this.#session.read(this, (connection) => {
      assertTopics(connection, workflowName, topics)
      return startOf(this.#session.newBatch(connection), from)
    })
    return this.#start({ topics: [...new Set(topics)], start }, (one) => one.start([]))
  }

  #start(options: Omit<LogReceiverOptions, 'session' | 'user' | 'onEnd'>, start: (receiver: LogReceiver) => void): LogReceiver {
    this.#assertOpen()
    const receiver = new LogReceiver({ ...options, session: this.#session, user: this, onEnd: () => void this.#receivers.delete(receiver) })
    start(receiver)
    this.#receivers.add(receiver)
    return receiver
  }

  async #write<T>(job: (batch: Batch) => T): Promise<T> {
    this.#assertOpen()
    return this.#session.write(this, job)
  }

  #assertOpen(): void {
    if (this.#closed) throw new Stopped('the event streamer has been closed')
  }
}

function ensureTopics({ connection }: Batch, { workflowName, slots, topics }: StreamLayout): void {
  const stored = connection.value<number>('SELECT slots FROM {stream} WHERE workflow = ?', workflowName)
  if (stored !== undefined && stored !== slots) {
    throw new Configuration(
      `the topics of workflow ${JSON.stringify(workflowName)} have ${stored} slots, not ${slots}: the number is fixed when they are created; set it back to ${stored}`,
    )
  }
  connection.run('INSERT INTO {stream} (workflow, slots) VALUES (?, ?) ON CONFLICT DO NOTHING', workflowName, slots)
  for (const topic of topics)
    connection.run('INSERT INTO {topic} (topic, workflow) VALUES (?, ?) ON CONFLICT DO NOTHING', topic, workflowName)
}

function assertTopics(connection: Connection, workflowName: string, topics: readonly string[]): void {
  const known = new Set(connection.values<string>('SELECT topic FROM {topic} WHERE workflow = ?', workflowName))
  const unknown = topics.filter((topic) => !known.has(topic))
  if (unknown.length > 0) {
    throw new Configuration(
      `workflow ${JSON.stringify(workflowName)} has no topic ${unknown.map((topic) => JSON.stringify(topic)).join(', ')}: call ensure with it first`,
    )
  }
}

/** The id after which a new receiver begins. */
function startOf(batch: Batch, from: ReceiverSpec['from']): number {
  if (from === 'earliest') return 0
  if (from === 'latest') return batch.lastEvent()
  return before(batch, from.getTime())
}

/** Events lie in the order of their commits, which is nearly that of their times: a binary search, then a margin for the "nearly". */
function before(batch: Batch, atMs: number): number {
  const { connection } = batch
  let low = 0
  let high = batch.lastEvent() + 1
  while (high - low > 10_000) {
    const middle = Math.floor((low + high) / 2)
    const at = connection.value<number>('SELECT at FROM {event} WHERE id >= ? ORDER BY id LIMIT 1', middle)
    if (at !== undefined && at < atMs) low = middle
    else high = middle
  }
  const first = connection.value<number>(
    'SELECT id FROM {event} WHERE id > ? AND at >= ? ORDER BY id LIMIT 1',
    Math.max(0, low - 10_000),
    atMs,
  )
  return (first ?? batch.lastEvent() + 1) - 1
}
