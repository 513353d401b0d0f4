import type { Fence } from '../model/role.ts'
import type { EventReceiver, ReceiverSpec } from './event-streamer.ts'

/** An event of a foreign stream, before its value has met a schema. */
export interface ForeignEvent {
  /** Stable: the same event has the same id whenever it is delivered. Seeds de-duplication. */
  readonly id: string
  /** Events of one key are delivered in order. */
  readonly key: string
  readonly value: unknown
  readonly at: Date
  readonly headers: Readonly<Record<string, string>>
}

/** The source of a connector: a stream that belongs to somebody else. */
export interface Connector {
  /**
   * Opens the stream for one holder at a time. `name` names its durable cursor, `from` where a new cursor begins. Against
   * a newer holder it throws `Fenced`; an older holder's receiver gets `Fenced`.
   */
  readonly connect: (options: ConnectOptions) => Promise<EventReceiver<ForeignEvent>>
}

/** Who connects, where it begins, and by which fence it holds its place. */
export interface ConnectOptions {
  readonly name: string
  readonly from: ReceiverSpec['from']
  readonly fence: Fence
}
