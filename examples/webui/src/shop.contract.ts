/** Orders and their parcels: a process with waits, ways back, time limits and children. */
import { unchecked, workflow } from '@workflow/core'

export interface Order {
  readonly customer: string
  readonly cents: number
  readonly parcels: number
  /** Filled in on the way. */
  readonly paymentId?: string
  /** What will go wrong. */
  readonly trouble?: 'card' | 'bank' | 'line'
}

export const parcels = workflow('parcels', {
  object: unchecked<{ readonly order: string; readonly weightGrams: number }>(),
  graph: { packed: { callback: ['sent'] }, sent: {} },
})

export const orders = workflow('orders', {
  object: unchecked<Order>(),
  graph: {
    received: { step: ['checked', 'rejected'] },
    checked: { callback: ['paid', 'received'], timeout: ['expired'] },
    paid: { step: ['packing'] },
    packing: { join: ['delivered'] },
    delivered: {},
    rejected: {},
    expired: {},
  },
  children: { packing: parcels },
})
