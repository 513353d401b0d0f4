/**
 * Sends events: those of one topic and slot that come together travel in one message. A message has an id for the server,
 * which drops it when it comes again because the answer to its first sending was lost. What comes behind a message that
 * failed is sent again after it, so that it is there in order, too.
 */
import { assertEvent, Configuration, InvalidArgument, type EventSender, type RunEvent, Stopped } from '@workflow/core/adapter'
import { nuid } from '@nats-io/transport-node'
import { packMax, packOf } from './event-pack.ts'
import { isNobody, isOverLimit, isSilence, natsError } from './nats-error.ts'
import type { Link, Session } from './session.ts'
import { ensureEventStream, streamInfo } from './streams.ts'

const attemptsMax = 3
/** What a message has beside its events, at most: headers. */
const overheadBytes = 512
const packBytesMax = 262_144
/** So many messages are under way at once. */
const windowMessages = 512

interface Pack {
  readonly workflowName: string
  readonly topic: string
  readonly slot: number
  readonly events: string[]
  bytes: number
  id: string
}

/** The packs that take more, by topic and slot: looked up once per event, so without making a text of both. */
class OpenPacks {
  readonly #packs = new Map<string, Map<string, Map<number, Pack>>>()

  of(workflowName: string, topic: string): Map<number, Pack> {
    let topics = this.#packs.get(workflowName)
    if (topics === undefined) this.#packs.set(workflowName, (topics = new Map()))
    let slots = topics.get(topic)
    if (slots === undefined) topics.set(topic, (slots = new Map()))
    return slots
  }
}

export class NatsSender implements EventSender {
  readonly #session: Session
  readonly #name: string = nuid.next()
  #packs = 0
  #ended = false

  constructor(session: Session) {
    this.#session = session
  }

  async send(events: readonly RunEvent[]): Promise<void> {
    if (this.#ended) throw new Stopped('this sender has ended; open a new one')
    for (const event of events) assertEvent(event, () => `run ${JSON.stringify(event.runId)}`)
    if (events.length === 0) return this.#session.assertOpen()
    await this.#session.run('sending events', async (link) => {
      let rest = this.#packed(link, events)
      for (let attempt = 1; rest.length > 0; ) {
        const failure = await this.#sendAll(link, rest)
        if (failure === undefined) return
        rest = rest.slice(failure.at)
        if (attempt++ === attemptsMax) throw failure.error
        const [first] = rest
        if (first !== undefined && isOverLimit(failure.error)) {
          if (first.events.length === 1) throw failure.error
          rest = await this.#split(link, rest, first)
          continue
        }
        await this.#mend(link, first, failure.error)
        // The server may have the first one, and says so by its id; those behind it must come behind it.
        for (const pack of rest.slice(isSilence(failure.error) ? 1 : 0)) pack.id = this.#nextId()
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true
  }

  #packed(link: Link, events: readonly RunEvent[]): Pack[] {
    const packs: Pack[] = []
    const open = new OpenPacks()
    let [workflowName, bytesMax] = ['', 0]
    for (const event of events) {
      if (event.workflowName !== workflowName) {
        workflowName = event.workflowName
        bytesMax = this.#bytesMax(link, workflowName)
      }
      const text = JSON.stringify(event)
      const bytes = bytesOf(text)
      if (bytes > bytesMax)
        throw new InvalidArgument(
          `the event of run ${JSON.stringify(event.runId)} has ${bytes} bytes, and a message may have ${bytesMax}: raise max_payload of the server, or max_msg_size of the stream`,
          { details: { runId: event.runId, workflowName: event.workflowName, bytes } },
        )
      for (const topic of event.topics) {
        const ofTopic = open.of(event.workflowName, topic)
        let pack = ofTopic.get(event.slot)
        if (pack === undefined || pack.events.length === packMax || pack.bytes + bytes > bytesMax) {
          pack = { workflowName: event.workflowName, topic, slot: event.slot, events: [], bytes: 0, id: this.#nextId() }
          ofTopic.set(event.slot, pack)
          packs.push(pack)
        }
        pack.events.push(text)
        pack.bytes += bytes
      }
    }
    return packs
  }

  /** Learns how large a message of a stream may be, and makes packs of that size of those that are larger. */
  async #split(link: Link, packs: readonly Pack[], { workflowName }: Pack): Promise<Pack[]> {
    const stream = this.#session.names.eventStream(workflowName)
    const info = await streamInfo(link, stream)
    if (info !== undefined) link.messageBytesMax.set(stream, info.config.max_msg_size)
    const bytesMax = this.#bytesMax(link, workflowName)
    return packs.flatMap((pack) => {
      if (pack.workflowName !== workflowName || pack.bytes <= bytesMax) return { ...pack, id: this.#nextId() }
      const parts: Pack[] = []
      for (const text of pack.events) {
        const bytes = bytesOf(text)
        let part = parts.at(-1)
        if (part === undefined || part.bytes + bytes > bytesMax) parts.push((part = { ...pack, events: [], bytes: 0, id: this.#nextId() }))
        part.events.push(text)
        part.bytes += bytes
      }
      return parts
    })
  }

  /** How many bytes of events one message may have. */
  #bytesMax({ maxPayload, messageBytesMax }: Link, workflowName: string): number {
    const ofStream = messageBytesMax.get(this.#session.names.eventStream(workflowName)) ?? -1
    return Math.min(packBytesMax, (ofStream < 0 ? maxPayload : Math.min(maxPayload, ofStream)) - overheadBytes)
  }

  /** Sends packs in order; answers the first that failed. */
  async #sendAll(link: Link, packs: readonly Pack[]): Promise<{ readonly at: number; readonly error: unknown } | undefined> {
    const marks = this.#mark(link, packs)
    for (let from = 0; from < packs.length; from += windowMessages) {
      const part = packs.slice(from, from + windowMessages)
      const results = await Promise.allSettled(part.map((pack) => this.#publish(link, pack)))
      for (const [n, result] of results.entries()) if (result.status === 'rejected') return { at: from + n, error: result.reason }
    }
    return marks.then(
      () => undefined,
      (error: unknown) => ({ at: 0, error }),
    )
  }

  async #publish({ client }: Link, { workflowName, topic, slot, events, id }: Pack): Promise<void> {
    await client.publish(this.#session.names.event(workflowName, topic, slot), packOf(events), { msgID: id })
  }

  /** Notes each topic and slot when it is used for the first time, so that a loss of all its events can be told from there having been none. */
  #mark({ state }: Link, packs: readonly Pack[]): Promise<unknown> {
    const { marked, names } = this.#session
    const fresh = new Set<string>()
    for (const { workflowName, topic, slot } of packs) {
      const mark = names.mark(workflowName, topic, slot)
      if (!marked.has(mark)) fresh.add(mark)
    }
    if (fresh.size === 0) return Promise.resolve()
    const work = Promise.all([...fresh].map((mark) => state.set(mark, {}).then(() => marked.add(mark))))
    // Looked at only after the events.
    work.catch(() => undefined)
    return work
  }

  /** Where a stream has been deleted underneath, another takes its place; readers find out by its date. */
  async #mend(link: Link, pack: Pack | undefined, error: unknown): Promise<void> {
    if (pack === undefined || isSilence(error) || !isNobody(error)) return
    const { names, settings } = this.#session
    const name = names.eventStream(pack.workflowName)
    if ((await streamInfo(link, name)) !== undefined) return
    const layout = await this.#session.run('reading a layout', ({ state }) => state.get(names.layout(pack.workflowName)))
    if (layout === undefined || !settings.create)
      throw new Configuration(
        `workflow ${JSON.stringify(pack.workflowName)} has no stream ${name} to send to: start a worker of it first, which creates the stream`,
        { cause: natsError(error, 'sending events'), details: { stream: name } },
      )
    settings.logger.error({ stream: name, workflow: pack.workflowName }, 'the stream was deleted underneath; creating it again')
    await ensureEventStream(link, names, pack.workflowName, settings, link.connection.info?.cluster !== undefined)
  }

  #nextId(): string {
    this.#packs++
    return `${this.#name}-${this.#packs}`
  }
}

/** What an event takes of a message. */
function bytesOf(text: string): number {
  return Buffer.byteLength(text) + 2
}
