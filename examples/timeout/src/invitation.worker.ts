import { after, at, type Duration } from '@workflow/core'
import { invitations } from './invitation.contract.ts'

export interface Patience {
  readonly remindAfter: Duration
  /** Counted from the creation of the run, however many reminders there were. */
  readonly expireAfterMs: number
}

/** In real life these are days. Timers are stored: they fire on time after a restart as well. */
export const invitationDefinition = ({ remindAfter, expireAfterMs }: Patience) =>
  invitations
    .addCallback('sent', async () => 'accepted')
    .addTimeout(
      'sent',
      after(remindAfter),
      async (run) => {
        run.object.reminders += 1
        console.log(`reminder ${run.object.reminders} to ${run.object.email}`)
        return 'sent'
      },
      { name: 'reminder' },
    )
    // Computed from the run as it enters the status; `undefined` would mean no timer.
    .addTimeout(
      'sent',
      (run) => at(new Date(run.createdAt.getTime() + expireAfterMs)),
      async () => 'expired',
      { name: 'expiry' },
    )
