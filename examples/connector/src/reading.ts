/**
 * How a workflow reads a stream, said around its source: what makes an event the same one, and who looks on. A source is one
 * method, so that any of them can be wrapped like this.
 */
import type { Connector } from '@workflow/core'
import type { Delivery, EventReceiver, ForeignEvent } from '@workflow/core/adapter'

export interface ReadingOptions {
  /** @default the id that the source gives: a place in the stream, so that what its owner sends twice is two events */
  readonly idOf?: (event: ForeignEvent) => string
  /** Told of how many events have been handed out and not been acknowledged, whenever that has grown. */
  readonly onInHand?: (count: number) => void
}

export function reading(source: Connector, { idOf = ({ id }) => id, onInHand }: ReadingOptions): Connector {
  return {
    connect: async (options) => {
      const receiver = await source.connect(options)
      const inHand = new Set<Delivery<ForeignEvent>>()
      const seen = (delivery: Delivery<ForeignEvent>): Delivery<ForeignEvent> => {
        inHand.add(delivery)
        const { event, topic, slot, redelivered } = delivery
        const ack = (): Promise<void> => {
          inHand.delete(delivery)
          return delivery.ack()
        }
        return { event: { ...event, id: idOf(event) }, topic, slot, redelivered, ack }
      }
      const wrapped: EventReceiver<ForeignEvent> = {
        receive: async (wanted) => {
          const deliveries = (await receiver.receive(wanted)).map(seen)
          onInHand?.(inHand.size)
          return deliveries
        },
        assign: (claims) => receiver.assign(claims),
        [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
      }
      return wrapped
    },
  }
}
