/** What the carrier publishes, as both workflows read it: what comes from outside crosses a border, and is checked there. */
import { z } from 'zod'

export const CarrierMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('picked-up'), parcel: z.string(), address: z.string() }),
  z.object({ kind: z.literal('handed-over'), parcel: z.string(), signedBy: z.string() }),
])
