/** A report is collected and sent. Nothing here knows that it is started by a schedule. */
import { unchecked, workflow } from '@workflow/core'

export interface Report {
  /** ISO date and time that the report is for. */
  at: string
  rows?: number
}

export const reports = workflow('report', {
  object: unchecked<Report>(),
  graph: {
    due: { step: ['collected'] },
    collected: { step: ['sent'] },
    sent: {},
  },
})
