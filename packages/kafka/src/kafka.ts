/** Workflow's events on Kafka, and connectors to topics of others. */
import {
  Configuration,
  type Connector,
  type DurableReceiverOptions,
  type EphemeralReceiverOptions,
  type EventReceiver,
  type EventStreamer,
  loggableMessage,
  type RunEvent,
} from '@workflow/core/adapter'
import { kafkaConnector, type KafkaConnectorOptions } from './connector.ts'
import { eventOf } from './event-record.ts'
import { stopped, unavailable } from './kafka-errors.ts'
import { Layout, receiverKey } from './layout.ts'
import { LogReceiver, type ReceiverSettings } from './receiver.ts'
import { receiverInfos } from './receiver-info.ts'
import { Senders } from './sender.ts'
import { assertOneClient, settingsOf, type KafkaOptions, type Settings } from './settings.ts'

/** How long what is on its way may take when everything is closed. */
const closeMs = 5_000

/** What `kafka` returns. */
export interface Kafka {
  /** Carries events between processes. Its events come from the outbox of the record store, by the engine's relay. */
  readonly eventStreamer: EventStreamer
  /** The source of a connector: a topic that belongs to somebody else. */
  readonly connector: (options: KafkaConnectorOptions) => Connector
  /** What has been counted since the start. */
  readonly stats: () => KafkaStats
  /** Ends everything that was started, the event streamer and all connectors. Idempotent. */
  readonly close: () => Promise<void>
}

/** Counters of one adapter. */
export interface KafkaStats {
  /** Records that were passed over because they are no events. */
  readonly skipped: number
  readonly receivers: number
}

/** Workflow's events on Kafka. Nothing is opened before it is needed. Throws `Configuration` for options that cannot work. */
export function kafka(options: KafkaOptions): Kafka {
  const settings = settingsOf(options)
  assertOneClient(options)
  const adapter = new KafkaAdapter(settings)
  const close = (): Promise<void> => adapter.close()
  return {
    eventStreamer: {
      ensure: (layout) => adapter.run('the layout cannot be ensured', () => adapter.layout.ensure(layout)),
      newSender: () => adapter.run('a sender cannot be opened', async () => adapter.senders.newSender()),
      newReceiver: (receiver) =>
        adapter.run('a receiver cannot be opened', () =>
          receiver.durable ? adapter.newDurable(receiver) : adapter.newEphemeral(receiver),
        ),
      receivers: (workflowName) =>
        adapter.run('receivers cannot be listed', () => receiverInfos(adapter.layout, settings.driver, workflowName)),
      removeReceiver: (name) => adapter.run('a receiver cannot be removed', () => adapter.removeReceiver(name)),
      close,
    },
    connector: (connector) => {
      const { connect } = kafkaConnector(connector, adapter.layout, settings, (receiver) => adapter.open(receiver))
      return { connect: (wanted) => adapter.run(`connector ${JSON.stringify(wanted.name)} cannot be opened`, () => connect(wanted)) }
    },
    stats: () => adapter.stats(),
    close,
  }
}

class KafkaAdapter {
  readonly layout: Layout
  readonly senders: Senders
  readonly #settings: Settings
  readonly #receivers = new Set<{ readonly stop: () => void }>()
  #skipped = 0
  #closing: Promise<void> | undefined

  constructor(settings: Settings) {
    this.#settings = settings
    this.layout = new Layout(settings)
    this.senders = new Senders(this.layout, settings.driver)
  }

  /** Does something while the adapter is open, and turns its faults into errors of Workflow. */
  async run<T>(problem: string, work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw stopped('this Kafka streamer')
    try {
      return await work()
    } catch (error) {
      if (this.#closing !== undefined) throw stopped('this Kafka streamer')
      throw unavailable(error, problem)
    }
  }

  async newDurable({ workflowName, name, topics, from, claims }: DurableReceiverOptions): Promise<EventReceiver<RunEvent>> {
    await this.layout.refresh()
    const placesOf = await this.layout.ensureReceiver(workflowName, { name, topics: [...new Set(topics)], from })
    const receiver = this.open<RunEvent>({ name, decode: eventOf, durable: { log: this.layout.log, key: receiverKey(name), placesOf } })
    try {
      await receiver.assign(claims)
    } catch (error) {
      receiver.stop()
      throw error
    }
    return receiver
  }

  async newEphemeral({ workflowName, topics, from }: EphemeralReceiverOptions): Promise<EventReceiver<RunEvent>> {
    if (from !== 'latest' && !(from instanceof Date)) throw new Configuration("an ephemeral receiver begins at 'latest' or at a Date")
    await this.layout.refresh()
    const places = await this.layout.ephemeralPlaces(topics, from)
    const receiver = this.open<RunEvent>({ name: `of ${workflowName}`, decode: eventOf })
    receiver.readEphemeral(places)
    return receiver
  }

  async removeReceiver(name: string): Promise<void> {
    await this.layout.refresh()
    await this.layout.log.catchUp()
    await this.layout.log.append(() => this.layout.log.state.removal(receiverKey(name)))
  }

  open<E>(wanted: Pick<ReceiverSettings<E>, 'name' | 'decode' | 'durable'>): LogReceiver<E> {
    if (this.#closing !== undefined) throw stopped('this Kafka streamer')
    const { driver, clock, logger } = this.#settings
    const receiver = new LogReceiver<E>({
      driver,
      clock,
      logger,
      ...wanted,
      onSkipped: ({ at }, offset, reason) => {
        this.#skipped++
        // What a parser says quotes what it read.
        const why = reason instanceof SyntaxError ? 'it is no JSON' : loggableMessage(reason)
        logger.warn({ ...at, offset, reason: why }, 'a record that is no event was passed over')
      },
      onDispose: (gone) => this.#receivers.delete(gone),
    })
    this.#receivers.add(receiver)
    return receiver
  }

  stats(): KafkaStats {
    return { skipped: this.#skipped, receivers: this.#receivers.size }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const receiver of this.#receivers) receiver.stop()
    // What is on its way is given its time before the connections go.
    const done = Promise.allSettled([this.senders.close(), this.layout.log.close()])
    const limit = Promise.withResolvers<void>()
    using _ = this.#settings.clock.setTimer(closeMs, limit.resolve)
    await Promise.race([done, limit.promise])
    await this.#settings.driver.close()
    // Without connections nothing waits for an answer any more.
    await done
  }
}
