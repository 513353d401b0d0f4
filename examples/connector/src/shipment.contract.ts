/** A parcel on its way. */
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
