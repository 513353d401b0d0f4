import type { RunEvent } from '../model/run-event.ts'
import type { Fence } from '../model/role.ts'

/**
 * Carries events from commits to whoever must act on them. At least once, and in the order of sending per run within a
 * topic; nothing is promised between runs or between topics.
 */
export interface EventStreamer {
  /**
   * The record store whose commits this streamer delivers by itself, as the same object. The engine then sends nothing
   * and runs no relay. Absent: every event comes through a sender.
   */
  readonly source?: object
  /**
   * Creates what is missing of a workflow's topics and receivers; what exists stays as it is. Fixes the first position
   * of each new receiver, on all slots of its topics, before it resolves. Idempotent, and safe when many processes
   * start at once. Throws `Configuration` if the topics exist with another number of slots.
   */
  readonly ensure: (layout: StreamLayout) => Promise<void>
  readonly newSender: () => Promise<EventSender>
  /** Resolves once the receiver's position is fixed: whatever is sent after that, it sees. Unknown topics throw `Configuration`. */
  readonly newReceiver: (options: ReceiverOptions) => Promise<EventReceiver<RunEvent>>
  /** Every durable receiver of a workflow that exists, running or not. */
  readonly receivers: (workflowName: string) => Promise<readonly ReceiverInfo[]>
  /** Forgets a durable receiver and its cursors, so that they no longer pin retention. An unknown name is left alone. */
  readonly removeReceiver: (name: string) => Promise<void>
  /** Ends everything that this streamer started; its receivers throw `Stopped`. Idempotent. */
  readonly close: () => Promise<void>
}

/** The topics of one workflow, and who reads them. */
export interface StreamLayout {
  readonly workflowName: string
  readonly topics: readonly string[]
  /** How many slots each topic has. Fixed when the topics are first created. */
  readonly slots: number
  readonly receivers: readonly ReceiverSpec[]
}

/** A durable reader: a name for cursors, one per (name, topic, slot). */
export interface ReceiverSpec {
  /** Unique over all workflows of the streamer. */
  readonly name: string
  readonly topics: readonly string[]
  /** Where it begins when it is new (a date: with what was sent at or after it); later it goes on where its cursors are. A topic that is new to a known receiver begins here, too. */
  readonly from: 'earliest' | 'latest' | Date
}

/** A receiver as the stream knows it. */
export interface ReceiverInfo {
  readonly name: string
  readonly topics: readonly string[]
  /** Events sent but not acknowledged, over all slots. May be approximate. */
  readonly lag: number
  /** When the oldest of them was sent. */
  readonly oldest?: Date
}

/** Sends events to the stream, in order per run. */
export interface EventSender extends AsyncDisposable {
  /** Resolves when all of them are durable. A throw means unknown: send all again, in the same order. */
  readonly send: (events: readonly RunEvent[]) => Promise<void>
}

/** A slot, and the proof that it is ours. */
export interface SlotClaim {
  readonly slot: number
  readonly fence: Fence
}

/** A receiver that keeps its place, or one that leaves nothing behind. */
export type ReceiverOptions = DurableReceiverOptions | EphemeralReceiverOptions

/** A receiver whose place in the stream outlives it. */
export interface DurableReceiverOptions extends ReceiverSpec {
  readonly durable: true
  readonly workflowName: string
  /** The slots to read. May be empty; `assign` changes it. Claiming takes the cursors from an older holder; against a newer one it throws `Fenced`. */
  readonly claims: readonly SlotClaim[]
}

/** Sees all slots, keeps no cursor, acks nothing, leaves nothing behind. */
export interface EphemeralReceiverOptions {
  readonly durable: false
  readonly workflowName: string
  readonly topics: readonly string[]
  readonly from: 'latest' | Date
}

/** One reader at work. Disposing it gives unacknowledged deliveries back and leaves nothing running. */
export interface EventReceiver<E> extends AsyncDisposable {
  /**
   * Waits for at least one event and returns at most `max`, in order per run and topic. Events of the topics in
   * `except` stay where they are and hold nothing else up; the set is read when the call is made. One call at a time.
   *
   * Throws `signal.reason` when aborted; `Fenced` once for slots that a newer holder has taken (`details.slots`; they
   * are no longer assigned, the receiver goes on with the rest); `EventsLost` once per loss (`details.topic`,
   * `details.slot`; it goes on with the oldest event there is); `Stopped` after disposal or close.
   */
  readonly receive: (options: ReceiveOptions) => Promise<readonly Delivery<E>[]>
  /**
   * Replaces the claims of a durable receiver. Slots that stay are not disturbed. Deliveries of slots that go are given
   * back: their later acks reject with `Fenced`. A claim against a newer holder throws `Fenced` with `details.slots`,
   * and the others are assigned all the same.
   */
  readonly assign: (claims: readonly SlotClaim[]) => Promise<void>
}

/** How many events to hand out, and of which topics none. */
export interface ReceiveOptions {
  /** 1 or more. */
  readonly max: number
  readonly except?: ReadonlySet<string>
  readonly signal: AbortSignal
}

/** One event handed out. It is not handed out again while its receiver lives; after that it is, unless acknowledged. */
export interface Delivery<E> {
  readonly event: E
  readonly topic: string
  readonly slot: number
  /** Perhaps handed out before, to this receiver or another. False is a hint, not a promise. */
  readonly redelivered: boolean
  /**
   * Resolves when it is durable that neither this event nor, once the ones before it are acknowledged too, any before it
   * will come again. Any order; idempotent; coalesced. Rejects with `Fenced` when the slot belongs to a newer holder.
   * Does nothing on ephemeral receivers.
   */
  readonly ack: () => Promise<void>
}
