/** What retention would do to a streamer: events that are gone before a receiver has seen them. */
import {
  EventsLost,
  type EventReceiver,
  type EventSender,
  type EventStreamer,
  type RecordStore,
  type RunEvent,
} from '@workflow/core/adapter'

/** Topics and slots that have lost what they had. */
export class LostEvents {
  readonly #lost = new Map<string, { readonly topic: string; readonly slot: number; told: boolean; readonly at: Set<string> }>()
  readonly sent: RunEvent[] = []

  lose(topic: string, slot: number): void {
    this.#lost.set(`${topic} ${slot}`, {
      topic,
      slot,
      told: false,
      at: new Set(this.sent.map((event) => `${event.runId} ${event.version}`)),
    })
  }

  /** Whether an event that comes is one of those that are gone. */
  has(topic: string, slot: number, event: RunEvent): boolean {
    return this.#lost.get(`${topic} ${slot}`)?.at.has(`${event.runId} ${event.version}`) ?? false
  }

  /** The next loss that a receiver has not been told. */
  untold(): EventsLost | undefined {
    const loss = [...this.#lost.values()].find(({ told }) => !told)
    if (loss === undefined) return undefined
    loss.told = true
    return new EventsLost(`slot ${loss.slot} of ${loss.topic} has lost events`, { details: { topic: loss.topic, slot: loss.slot } })
  }
}

/** A store that tells `lost` what it has sent. */
export function rememberingStore(store: RecordStore, lost: LostEvents): RecordStore {
  return {
    ...store,
    commit: (unit, options) => {
      for (const { event } of unit.changes ?? []) lost.sent.push(event)
      return store.commit(unit, options)
    },
  }
}

function rememberingSender(sender: EventSender, lost: LostEvents): EventSender {
  return {
    [Symbol.asyncDispose]: () => Promise.resolve(sender[Symbol.asyncDispose]()),
    send: (events) => {
      lost.sent.push(...events)
      return sender.send(events)
    },
  }
}

/** A streamer over `source` whose receivers skip what is lost, and say so once. */
export function lossyStreamer(streamer: EventStreamer, source: RecordStore, lost: LostEvents): EventStreamer {
  return {
    ...streamer,
    source,
    newSender: async () => rememberingSender(await streamer.newSender(), lost),
    newReceiver: async (options) => lossyReceiver(await streamer.newReceiver(options), lost),
  }
}

function lossyReceiver(receiver: EventReceiver<RunEvent>, lost: LostEvents): EventReceiver<RunEvent> {
  return {
    assign: (claims) => receiver.assign(claims),
    [Symbol.asyncDispose]: () => Promise.resolve(receiver[Symbol.asyncDispose]()),
    receive: async (options) => {
      const loss = lost.untold()
      if (loss !== undefined) throw loss
      for (;;) {
        const batch = await receiver.receive(options)
        const kept = batch.filter(({ topic, slot, event }) => !lost.has(topic, slot, event))
        if (kept.length > 0) return kept
      }
    },
  }
}
