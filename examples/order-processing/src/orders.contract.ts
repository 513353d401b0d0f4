/** The process, without code: whoever triggers, watches or audits orders needs this file and no handler. */
import { workflow } from '@workflow/core'
import { z } from 'zod'
import { Order } from './order.ts'

export const orders = workflow('order-processing', {
  object: Order.extend({
    decidedBy: z.string().optional(),
    paymentId: z.string().optional(),
    trackingId: z.string().optional(),
  }),
  graph: {
    received: { step: ['awaiting-approval', 'charging'] },
    'awaiting-approval': { callback: ['charging', 'rejected'], timeout: ['rejected'] },
    charging: { step: ['paid', 'awaiting-payment'] },
    'awaiting-payment': { callback: ['charging'], timeout: ['unpaid'] },
    paid: { step: ['shipped'] },
    shipped: {},
    rejected: {},
    unpaid: {},
  },
  payloads: {
    'awaiting-approval': z.object({ approved: z.boolean(), by: z.string().min(1) }),
    'awaiting-payment': z.object({ card: z.string().min(1).max(40) }),
  },
})
