/** Run outside of the workspace by pack-smoke.mjs, against the packed packages; here it is only compiled. */
import { equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { after, unchecked, workflow } from '@workflow/core'
import { testKit } from '@workflow/testing'

const trial = workflow('trial', {
  object: unchecked<{ user: string }>(),
  graph: { started: { callback: ['subscribed'], timeout: ['expired'] }, subscribed: {}, expired: {} },
})
  .addCallback('started', async () => 'subscribed')
  .addTimeout('started', after('90d'), async () => 'expired')

void test('a trial ends after ninety days, unless somebody subscribes', async () => {
  await using kit = testKit(trial)
  await kit.trigger('ann', { initialValue: { user: 'ann' } })
  await kit.require('ann', 'expired', { user: 'ann' })
  equal(kit.now().toISOString(), '2026-04-01T00:00:00.000Z')
  await rejects(kit.waitForCompletion('bob'), { name: 'Stuck', reason: 'deadlock' })
})

void test('a trial is subscribed to', async () => {
  await using kit = testKit(trial)
  await kit.trigger('bob', { initialValue: { user: 'bob' } })
  equal((await kit.triggerCallbackOn('bob', 'started')).status, 'subscribed')
})
