/** A workflow with everything that a kit must deal with: a step, a callback, several timeouts, a loop. */
import { after, unchecked, workflow } from '@workflow/core'

export interface Trial {
  user: string
  reminders: number
  card?: string
}

export const trials = workflow('trial', {
  object: unchecked<Trial>(),
  graph: {
    requested: { step: ['started', 'refused'] },
    started: { callback: ['subscribed', 'refused'], timeout: ['started', 'expired'] },
    subscribed: {},
    expired: {},
    refused: {},
  },
  payloads: { started: unchecked<{ card: string }>() },
})

export const trialDefinition = trials
  .addStep('requested', async (run) => (run.object.user === 'mallory' ? 'refused' : 'started'))
  .addCallback('started', async (run, { card }) => {
    run.object.card = card
    return 'subscribed'
  })
  .addTimeout(
    'started',
    (run) => (run.object.reminders < 2 ? after('10d') : undefined),
    async (run) => {
      run.object.reminders += 1
      return 'started'
    },
    { name: 'reminder' },
  )
  .addTimeout('started', after('30d'), async () => 'expired', { name: 'expiry' })
