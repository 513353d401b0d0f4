/** An invitation is answered, or reminded of, or expires. */
import { unchecked, workflow } from '@workflow/core'

export interface Invitation {
  email: string
  reminders: number
}

export const invitations = workflow('invitation', {
  object: unchecked<Invitation>(),
  graph: {
    // A status may lead to itself: a reminder begins a new stay, with new timers.
    sent: { callback: ['accepted'], timeout: ['sent', 'expired'] },
    accepted: {},
    expired: {},
  },
})
