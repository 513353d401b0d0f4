/**
 * Tests of processes of ninety days with many runs, as a program that says how long they took: `node ninety-days.ts
 * invitations|subscriptions <runs> <tests>`. The first test finds everything cold, as in a test file of its own.
 */
import { equal } from 'node:assert/strict'
import { after, unchecked, workflow } from '@workflow/core'
import { testKit } from '@workflow/testing'

const invitations = workflow('invitation', {
  object: unchecked<{ email: string; reminders: number }>(),
  graph: {
    requested: { step: ['sent'] },
    sent: { callback: ['accepted'], timeout: ['sent', 'expired'] },
    accepted: {},
    expired: {},
  },
})
  .addStep('requested', async () => 'sent')
  .addCallback('sent', async () => 'accepted')
  .addTimeout('sent', after('30d'), async (run) => {
    run.object.reminders += 1
    return run.object.reminders === 3 ? 'expired' : 'sent'
  })

const subscriptions = workflow('subscription', {
  object: unchecked<{ cents: number; reminders: number; months: number }>(),
  graph: {
    requested: { step: ['trial'] },
    trial: { callback: ['active'], timeout: ['trial', 'lapsed'] },
    active: { timeout: ['billing'] },
    billing: { step: ['active', 'ended'] },
    ended: {},
    lapsed: {},
  },
})
  .addStep('requested', async () => 'trial')
  .addCallback('trial', async () => 'active')
  .addTimeout(
    'trial',
    after('7d'),
    async (run) => {
      run.object.reminders += 1
      return run.object.reminders > 3 ? 'lapsed' : 'trial'
    },
    { name: 'reminder' },
  )
  .addTimeout('active', after('30d'), async () => 'billing')
  .addStep('billing', async (run) => {
    run.object.months += 1
    return run.object.months < 3 ? 'active' : 'ended'
  })

/** Nobody answers: every run is reminded twice and expires. Five versions each. */
export async function expiringInvitations(runs: number): Promise<void> {
  await using kit = testKit(invitations)
  const started = await Promise.all(
    Array.from({ length: runs }, (_, place) => kit.trigger(`guest ${place}`, { initialValue: { email: 'ada@example.org', reminders: 0 } })),
  )
  await Promise.all(started.map((run) => kit.require(run, 'expired', { email: 'ada@example.org', reminders: 3 })))
  equal(kit.now().toISOString(), '2026-04-01T00:00:00.000Z')
}

/** Every run subscribes by a callback and is billed three times. Nine versions each. */
export async function billedSubscriptions(runs: number): Promise<void> {
  await using kit = testKit(subscriptions)
  const started = await Promise.all(
    Array.from({ length: runs }, (_, place) =>
      kit.trigger(`subscriber ${place}`, { initialValue: { cents: 900, reminders: 0, months: 0 } }),
    ),
  )
  await Promise.all(started.map((run) => kit.triggerCallbackOn(run, 'trial')))
  await Promise.all(started.map((run) => kit.require(run, 'ended', { cents: 900, reminders: 0, months: 3 })))
  equal(kit.now().toISOString(), '2026-04-01T00:00:00.000Z')
}

if (import.meta.main) {
  const [which, runs, tests] = process.argv.slice(2)
  for (let test = 0; test < Number(tests ?? 1); test++) {
    const [since, cpu] = [performance.now(), process.cpuUsage()]
    await (which === 'invitations' ? expiringInvitations : billedSubscriptions)(Number(runs ?? 1_000))
    const wallMs = performance.now() - since
    const { user, system } = process.cpuUsage(cpu)
    console.log(JSON.stringify({ wallMs, cpuMs: (user + system) / 1_000 }))
  }
}
