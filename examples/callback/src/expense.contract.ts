/** An expense waits for somebody's decision. The contract says what a decision looks like. */
import { workflow } from '@workflow/core'
import { z } from 'zod'

export const expenses = workflow('expense', {
  object: z.object({ purpose: z.string(), cents: z.int().positive(), decidedBy: z.string().optional() }),
  graph: {
    submitted: { step: ['awaiting-decision', 'paid'] },
    'awaiting-decision': { callback: ['paid', 'declined'] },
    paid: {},
    declined: {},
  },
  payloads: { 'awaiting-decision': z.object({ approved: z.boolean(), by: z.string().min(1) }) },
})
