/**
 * A test of a process of ninety days with many runs, as a program that says how long it took: `node ninety-days.ts <runs>
 * <tests>`. The first test finds everything cold, as in a test file of its own.
 */
import { equal } from 'node:assert/strict'
import { after, unchecked, workflow } from '@workflow/core'
import { testKit } from '@workflow/testing'

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

/** Every run subscribes and is billed three times: eight transitions and a callback each, over ninety days. */
export async function ninetyDays(runs: number): Promise<void> {
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
  const [runs = 1_000, tests = 1] = process.argv.slice(2).map(Number)
  for (let test = 0; test < tests; test++) {
    const [since, cpu] = [performance.now(), process.cpuUsage()]
    await ninetyDays(runs)
    const wallMs = performance.now() - since
    const { user, system } = process.cpuUsage(cpu)
    console.log(JSON.stringify({ wallMs, cpuMs: (user + system) / 1_000 }))
  }
}
