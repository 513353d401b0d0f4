/** What an order looks like at the border: one line of NDJSON. */
import { z } from 'zod'

export const Order = z.object({
  id: z.string().min(1).max(100),
  customer: z.string().min(1).max(200),
  /** The card to charge, e.g. 'visa-4242'. */
  card: z.string().min(1).max(40),
  items: z
    .array(
      z.object({ sku: z.string().min(1).max(100), quantity: z.int().positive().max(10_000), cents: z.int().positive().max(100_000_000) }),
    )
    .min(1)
    .max(200),
})
export type Order = z.infer<typeof Order>

/** Prices are per piece, in euro cents. */
export function totalCentsOf(order: Pick<Order, 'items'>): number {
  return order.items.reduce((total, { quantity, cents }) => total + quantity * cents, 0)
}
