/** Ways to break a stream that mutants share. */
import {
  type Delivery,
  type EventReceiver,
  type EventStreamer,
  isWorkflowError,
  type ReceiveOptions,
  type ReceiverOptions,
  type RunEvent,
  type SlotClaim,
} from '@workflow/core/adapter'
import type { StreamerChanger } from '../memory-harness.ts'

/** Another receiver over a receiver. */
export function receiverOver<E>(
  receiver: EventReceiver<E>,
  change: Partial<Omit<EventReceiver<E>, typeof Symbol.asyncDispose>> & { readonly dispose?: () => Promise<void> },
): EventReceiver<E> {
  return {
    receive: change.receive ?? ((options) => receiver.receive(options)),
    assign: change.assign ?? ((claims) => receiver.assign(claims)),
    [Symbol.asyncDispose]: change.dispose ?? (() => Promise.resolve(receiver[Symbol.asyncDispose]())),
  }
}

/** Changes what receivers are made of. */
export function receivers(
  change: (receiver: EventReceiver<RunEvent>, options: ReceiverOptions, streamer: EventStreamer) => EventReceiver<RunEvent>,
): StreamerChanger {
  return (streamer) => ({ ...streamer, newReceiver: async (options) => change(await streamer.newReceiver(options), options, streamer) })
}

/** Changes batches on their way out. */
export function batches(
  change: (batch: readonly Delivery<RunEvent>[], options: ReceiveOptions) => readonly Delivery<RunEvent>[],
): StreamerChanger {
  return receivers((receiver) => receiverOver(receiver, { receive: async (options) => change(await receiver.receive(options), options) }))
}

/** Changes how receivers are opened. */
export function opening(
  change: (options: ReceiverOptions, streamer: EventStreamer) => ReceiverOptions | Promise<ReceiverOptions>,
): StreamerChanger {
  return (streamer) => ({ ...streamer, newReceiver: async (options) => streamer.newReceiver(await change(options, streamer)) })
}

/** The same delivery with another way to acknowledge it. */
export function acking<E>(batch: readonly Delivery<E>[], ack: (delivery: Delivery<E>) => Promise<void>): readonly Delivery<E>[] {
  return batch.map((delivery) => ({ ...delivery, ack: () => ack(delivery) }))
}

/** A case's name for each feed. */
export const both = (name: string): readonly string[] => [`${name} (fed by the store)`, `${name} (fed by the sender)`]

/** Ignores errors of one code. */
export const without = async (code: Parameters<typeof isWorkflowError>[1], work: Promise<void>): Promise<void> =>
  work.catch((error: unknown) => {
    if (!isWorkflowError(error, code)) throw error
  })

/** Claims with other tokens. */
export const lowered = (claims: readonly SlotClaim[], token: (claim: SlotClaim) => bigint): readonly SlotClaim[] =>
  claims.map((claim) => ({ ...claim, fence: { ...claim.fence, token: token(claim) } }))
