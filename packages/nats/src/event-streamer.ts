import {
  Configuration,
  limits,
  Stopped,
  type DurableReceiverOptions,
  type EphemeralReceiverOptions,
  type EventReceiver,
  type EventSender,
  type EventStreamer,
  type ReceiverOptions,
  type RunEvent,
  type StreamLayout,
} from '@workflow/core/adapter'
import { CursorFlusher } from './cursor-flusher.ts'
import { unpack } from './event-pack.ts'
import type { Source } from './feed.ts'
import type { Keeping, Notice } from './keeping.ts'
import { receiverInfos } from './receiver-info.ts'
import { Registry } from './registry.ts'
import { NatsSender } from './sender.ts'
import type { Link, Session } from './session.ts'
import { StreamKeeper } from './stream-keeper.ts'
import { StreamReceiver, type StreamReceiverOptions } from './stream-receiver.ts'

/** The streamer of a session. */
export class NatsEventStreamer implements EventStreamer {
  readonly #session: Session
  readonly #flusher: CursorFlusher
  readonly #receivers = new Set<StreamReceiver<RunEvent>>()
  readonly #senders = new Set<NatsSender>()
  readonly #keepers = new Map<string, StreamKeeper>()
  #closed: Promise<void> | undefined

  constructor(session: Session) {
    this.#session = session
    this.#flusher = new CursorFlusher(session)
  }

  readonly ensure = async (layout: StreamLayout): Promise<void> => {
    const { workflowName, slots } = layout
    if (!Number.isInteger(slots) || slots < 1 || slots > limits.slots)
      throw new Configuration(
        `a workflow needs a whole number of slots, 1 to ${limits.slots}; ${JSON.stringify(workflowName)} asks for ${String(slots)}`,
      )
    await this.#run(`ensuring the topics of ${JSON.stringify(workflowName)}`, async (registry) => {
      await registry.ensureTopics(layout)
      for (const { topics } of layout.receivers) await registry.layoutWith(workflowName, topics)
      await Promise.all(layout.receivers.map((spec) => registry.ensureReceiver(workflowName, spec)))
    })
  }

  readonly newSender = async (): Promise<EventSender> => {
    this.#assertOpen()
    await this.#session.link()
    const sender = new NatsSender(this.#session)
    this.#senders.add(sender)
    return sender
  }

  readonly newReceiver = async (options: ReceiverOptions): Promise<EventReceiver<RunEvent>> =>
    options.durable ? this.#durable(options) : this.#ephemeral(options)

  readonly receivers: EventStreamer['receivers'] = async (workflowName) =>
    this.#run('listing receivers', (_, link) => receiverInfos(this.#session, link, workflowName))

  readonly removeReceiver = async (name: string): Promise<void> => {
    const { names } = this.#session
    await this.#run('removing a receiver', async (_, { state, connection }) => {
      await state.remove(names.receiver(name))
      await state.remove(names.cursor(name, '*'))
      // Whoever holds its slots finds out now instead of at its next acknowledgement.
      connection.publish(names.notice('receiver', name), JSON.stringify({ holder: '' } satisfies Notice))
    })
  }

  readonly close = (): Promise<void> =>
    (this.#closed ??= (async () => {
      await Promise.all([...this.#receivers].map((receiver) => receiver[Symbol.asyncDispose]()))
      for (const sender of this.#senders) await sender[Symbol.asyncDispose]()
      for (const keeper of this.#keepers.values()) keeper.close()
      this.#flusher.close()
    })())

  async #durable({ workflowName, claims, name, topics, from }: DurableReceiverOptions): Promise<EventReceiver<RunEvent>> {
    const receiver = await this.#run(`opening the receiver ${JSON.stringify(name)}`, async (registry, link) => {
      await registry.layoutWith(workflowName, topics)
      const record = await registry.ensureReceiver(workflowName, { name, topics, from })
      const { names } = this.#session
      const facts = (): ReturnType<Registry['facts']> => registry.facts(workflowName)
      const keeping: Keeping = {
        flusher: this.#flusher,
        cursorSubject: (slot) => names.cursor(name, slot),
        noticeSubject: names.notice('receiver', name),
        starts: { stream: record.stream, lanes: record.starts },
        wasUsed: async (topic, slot) => (await link.state.get(names.mark(workflowName, topic, slot))) !== undefined,
        facts,
      }
      const opened = this.#open({ link, name, workflowName, topics, keeping, place: 0, onTick: (tick) => keeper.onTick(tick) })
      const keeper = this.#keeper(workflowName, link, facts)
      keeper.receivers.add(opened)
      return opened
    })
    try {
      await receiver.assign(claims)
    } catch (error) {
      await receiver[Symbol.asyncDispose]()
      throw error
    }
    return receiver
  }

  async #ephemeral({ workflowName, topics, from }: EphemeralReceiverOptions): Promise<EventReceiver<RunEvent>> {
    return this.#run('opening a receiver', async (registry, link) => {
      await registry.layoutWith(workflowName, topics)
      const place = await registry.startOf(workflowName, from, await registry.facts(workflowName))
      return this.#open({ link, name: `of ${workflowName}`, workflowName, topics, keeping: undefined, place })
    })
  }

  #open({
    workflowName,
    topics,
    ...options
  }: Pick<StreamReceiverOptions<RunEvent>, 'link' | 'name' | 'topics' | 'keeping' | 'place' | 'onTick'> & {
    readonly workflowName: string
  }): StreamReceiver<RunEvent> {
    this.#assertOpen()
    const receiver: StreamReceiver<RunEvent> = new StreamReceiver({
      ...options,
      topics: [...new Set(topics)],
      session: this.#session,
      logger: this.#session.settings.logger,
      source: this.#source(workflowName),
      onEnd: () => {
        this.#receivers.delete(receiver)
        this.#leave(workflowName, receiver)
      },
    })
    this.#receivers.add(receiver)
    return receiver
  }

  #source(workflowName: string): Source<RunEvent> {
    const { names } = this.#session
    const tick = names.tick(workflowName)
    return {
      stream: names.eventStream(workflowName),
      filters: (topic, slots) =>
        slots === undefined
          ? [names.event(workflowName, topic, '*')]
          : [tick, ...slots.map((slot) => names.event(workflowName, topic, slot))],
      slotOf: ({ subject }) => (subject === tick ? undefined : Number(subject.slice(subject.lastIndexOf('.') + 1))),
      decode: ({ data }) => unpack(data),
    }
  }

  #keeper(workflowName: string, link: Link, facts: ConstructorParameters<typeof StreamKeeper>[3]): StreamKeeper {
    let keeper = this.#keepers.get(workflowName)
    if (keeper === undefined) {
      keeper = new StreamKeeper(this.#session, link, workflowName, facts)
      this.#keepers.set(workflowName, keeper)
    }
    return keeper
  }

  /** Where nobody reads any more there is nothing to look after. */
  #leave(workflowName: string, receiver: StreamReceiver<RunEvent>): void {
    const keeper = this.#keepers.get(workflowName)
    keeper?.receivers.delete(receiver)
    if (keeper === undefined || keeper.receivers.size > 0) return
    keeper.close()
    this.#keepers.delete(workflowName)
  }

  async #run<T>(what: string, work: (registry: Registry, link: Link) => Promise<T>): Promise<T> {
    this.#assertOpen()
    return this.#session.run(what, (link) => work(new Registry(link, this.#session.names, this.#session.settings), link))
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new Stopped('the event streamer has been closed')
  }
}
