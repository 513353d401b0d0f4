/**
 * Small records on the server, the last one of each subject. A write goes only over exactly the revision that was read:
 * the server decides, so two who write at once never both succeed.
 */
import { StoreCorrupt } from '@workflow/core/adapter'
import { AckPolicy, DeliverPolicy, type JetStreamClient, type JetStreamManager, type JsMsg } from '@nats-io/jetstream'
import { type Api, insist } from './insistence.ts'
import { isConflict, isUnheard } from './nats-error.ts'

/** A record, and which writing of it. */
export interface Stored<T> {
  readonly value: T
  readonly revision: number
}

const nanos = 1_000_000
const unheardMs = 50
const unheardMax = 40

export class StateStore {
  readonly #api: Api
  readonly #client: JetStreamClient
  readonly #stream: string
  /** What outlives every holder, as it is known here. */
  readonly #lasting = new Map<string, object>()

  constructor(api: Api, client: JetStreamClient, stream: string) {
    this.#api = api
    this.#client = client
    this.#stream = stream
  }

  /** What is stored now, as the leader knows it. */
  async get<T>(subject: string): Promise<Stored<T> | undefined> {
    const message = await insist(this.#api, (manager) => manager.streams.getMessage(this.#stream, { last_by_subj: subject }))
    return message === null ? undefined : { value: parse<T>(subject, message.data), revision: message.seq }
  }

  /** Writes over `revision`, 0 for what is not there yet; answers the new one, or undefined if somebody else has written. */
  async put(subject: string, value: object, revision: number): Promise<number | undefined> {
    try {
      const { seq } = await this.#client.publish(subject, JSON.stringify(value), { expect: { lastSubjectSequence: revision } })
      return seq
    } catch (error) {
      if (isConflict(error)) return undefined
      throw error
    }
  }

  /** Writes whatever is there. */
  async set(subject: string, value: object): Promise<void> {
    await this.#client.publish(subject, JSON.stringify(value))
  }

  /** Changes a record: `change` answers what to write over what is there, or undefined to leave it. Answers what is there in the end. */
  async change<T extends object>(subject: string, change: (present: T | undefined) => T | undefined): Promise<T | undefined> {
    for (;;) {
      const present = await this.get<T>(subject)
      const next = change(present?.value)
      const value = next ?? present?.value
      if (next === undefined || (await this.put(subject, next, present?.revision ?? 0)) !== undefined) {
        if (value !== undefined) this.#lasting.set(subject, value)
        return value
      }
    }
  }

  /** Writes what was ever read or written by `change` where it is not there any more: the stream is another one. */
  async restore(): Promise<void> {
    for (const [subject, value] of this.#lasting) await this.put(subject, value, 0)
  }

  /** Forgets all records whose subject matches. */
  async remove(subject: string): Promise<void> {
    this.#lasting.delete(subject)
    await this.#api.manager.streams.purge(this.#stream, { filter: subject })
  }

  /** All records whose subject matches. May miss what was written just now. */
  async list<T>(subject: string): Promise<readonly { readonly subject: string; readonly value: T }[]> {
    const { messages } = await readAll(this.#api.manager, this.#client, this.#stream, { filters: [subject], max: Infinity })
    return messages.map((message) => ({ subject: message.subject, value: parse<T>(message.subject, message.data) }))
  }
}

export interface ReadAllOptions {
  readonly filters: readonly string[]
  /** @default the oldest there is */
  readonly fromSeq?: number
  /** How many messages at most. */
  readonly max: number
}

/** What a stream has now; `pending` is how many messages match, read or not. */
export async function readAll(
  manager: JetStreamManager,
  client: JetStreamClient,
  stream: string,
  { filters, fromSeq, max }: ReadAllOptions,
): Promise<{ readonly messages: readonly JsMsg[]; readonly pending: number }> {
  const info = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    filter_subjects: [...filters],
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: 10_000 * nanos,
    ...(fromSeq === undefined
      ? { deliver_policy: DeliverPolicy.All }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, fromSeq) }),
  })
  const messages: JsMsg[] = []
  let unheard = 0
  try {
    const wanted = Math.min(info.num_pending, max)
    const consumer = client.consumers.getConsumerFromInfo(info)
    while (messages.length < wanted) {
      const before = messages.length
      try {
        const batch = await consumer.fetch({ max_messages: Math.min(wanted - before, 500), expires: 2_000 })
        for await (const message of batch) messages.push(message)
        // Deleted meanwhile.
        if (messages.length === before) break
      } catch (error) {
        // In a cluster it takes a moment until our server knows where the new consumer is.
        if (!isUnheard(error) || ++unheard > unheardMax) throw error
        await new Promise((resolve) => setTimeout(resolve, unheardMs))
      }
    }
    return { messages, pending: info.num_pending }
  } finally {
    // It would go by itself, only later.
    await manager.consumers.delete(stream, info.name).catch(() => undefined)
  }
}

function parse<T>(subject: string, data: Uint8Array): T {
  try {
    return JSON.parse(new TextDecoder().decode(data)) as T
  } catch (cause) {
    throw new StoreCorrupt(`what is stored under ${subject} makes no sense: delete that message, and its receiver begins anew`, { cause })
  }
}
