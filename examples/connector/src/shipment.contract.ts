/** A parcel on its way. The carrier's messages are described here too: they cross the same border. */
import { workflow } from '@workflow/core'
import { z } from 'zod'

export const shipments = workflow('shipment', {
  object: z.object({ address: z.string(), signedBy: z.string().optional() }),
  graph: {
    'in-transit': { callback: ['delivered'] },
    delivered: {},
  },
  payloads: { 'in-transit': z.object({ signedBy: z.string() }) },
})

/** What the carrier publishes. */
export const CarrierMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('picked-up'), parcel: z.string(), address: z.string() }),
  z.object({ kind: z.literal('handed-over'), parcel: z.string(), signedBy: z.string() }),
])
