/** Counts what passes through a streamer, to know when everything has: a closure per event, the same for whatever is compared. */
import type { Delivery, EventReceiver, EventStreamer, RunEvent } from '@workflow/core/adapter'

/** How many events. */
export interface Passed {
  /** Sent, so that they are durable in the stream. A streamer that delivers the store's own commits is sent none. */
  readonly sent: number
  /** Acknowledged by a durable reader, durably. */
  readonly handled: number
}

const stalledMsDefault = 60_000

export class Passage {
  readonly #stalledMs: number
  #passed: Passed = { sent: 0, handled: 0 }
  #onPassed: () => void = () => undefined

  /** After so long in which nothing passes it has stopped. */
  constructor(stalledMs: number = stalledMsDefault) {
    this.#stalledMs = stalledMs
  }

  /** The same streamer, whose events are counted here. */
  through(streamer: EventStreamer): EventStreamer {
    return {
      ...(streamer.source === undefined ? {} : { source: streamer.source }),
      ensure: (layout) => streamer.ensure(layout),
      newSender: async () => {
        const sender = await streamer.newSender()
        return {
          send: async (events) => {
            await sender.send(events)
            this.#add(events.length, 0)
          },
          [Symbol.asyncDispose]: () => sender[Symbol.asyncDispose](),
        }
      },
      newReceiver: async (options) => {
        const receiver = await streamer.newReceiver(options)
        return options.durable ? this.#counted(receiver) : receiver
      },
      receivers: (workflowName) => streamer.receivers(workflowName),
      removeReceiver: (name) => streamer.removeReceiver(name),
      close: () => streamer.close(),
    }
  }

  /** Resolves when at least so many have passed. Rejects when none does any more. */
  async until({ sent, handled }: Passed): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const stalled = (): void =>
      reject(new Error(`only ${this.#passed.sent} of ${sent} events were sent, and ${this.#passed.handled} of ${handled} handled`))
    const timer = setTimeout(stalled, this.#stalledMs)
    this.#onPassed = () => {
      timer.refresh()
      if (this.#passed.sent >= sent && this.#passed.handled >= handled) resolve()
    }
    this.#onPassed()
    try {
      await promise
    } finally {
      clearTimeout(timer)
      this.#onPassed = () => undefined
    }
  }

  #counted(receiver: EventReceiver<RunEvent>): EventReceiver<RunEvent> {
    return {
      receive: async (options) => (await receiver.receive(options)).map((delivery) => this.#countedDelivery(delivery)),
      assign: (claims) => receiver.assign(claims),
      [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
    }
  }

  #countedDelivery(delivery: Delivery<RunEvent>): Delivery<RunEvent> {
    let counted = false
    return {
      // Read when it is asked for: one that cannot be read throws, and concerns no other.
      get event() {
        return delivery.event
      },
      topic: delivery.topic,
      slot: delivery.slot,
      redelivered: delivery.redelivered,
      ack: async () => {
        await delivery.ack()
        if (!counted) this.#add(0, 1)
        counted = true
      },
    }
  }

  #add(sent: number, handled: number): void {
    this.#passed = { sent: this.#passed.sent + sent, handled: this.#passed.handled + handled }
    this.#onPassed()
  }
}
