import type { RunEvent } from '../model/run-event.ts'
import type { EventReceiver, SlotClaim } from './event-streamer.ts'

/** The committed events of a store that must still be sent elsewhere. A stream like any other: the relay receives, sends, acks. */
export interface Outbox {
  /** Hands out events in commit order per run, from the oldest that was never acknowledged. `topic` of a delivery is `''`: the event names its topics. */
  readonly newReceiver: (options: OutboxReceiverOptions) => Promise<EventReceiver<RunEvent>>
  /** Calls back after this process has committed an event. May call back for nothing. */
  readonly onAppend?: (wake: () => void) => Disposable
}

/** Whose outbox to read, and which slots of it. */
export interface OutboxReceiverOptions {
  readonly workflowName: string
  readonly claims: readonly SlotClaim[]
}
