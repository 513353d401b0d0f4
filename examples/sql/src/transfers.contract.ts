/** A transfer of money, without code: what a worker, a web server and the audit all import. */
import { workflow } from '@workflow/core'
import { z } from 'zod'

export const transfers = workflow('transfer', {
  object: z.object({ from: z.string(), to: z.string(), cents: z.int().positive(), approvedBy: z.string().optional() }),
  graph: {
    requested: { step: ['taken', 'awaiting-approval', 'declined'] },
    'awaiting-approval': { callback: ['taken'], timeout: ['returned'] },
    taken: { step: ['arrived'] },
    arrived: {},
    returned: {},
    declined: {},
  },
  payloads: { 'awaiting-approval': z.object({ by: z.string().min(1) }) },
})

/** From this amount on somebody has to approve. */
export const approvalFromCents = 100_000
