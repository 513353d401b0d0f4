/** The same definition with the times of real life: weeks, which the test kit passes in milliseconds. */
import { testKit } from '@workflow/testing'
import { expect, test } from 'vitest'
import { invitationDefinition } from './invitation.worker.ts'

const day = 86_400_000
const definition = invitationDefinition({ remindAfter: '7d', expireAfterMs: 30 * day })
const bob = { initialValue: { email: 'bob@example.org', reminders: 0 } }

test('whoever is silent is reminded every week, until the invitation expires', async () => {
  await using kit = testKit(definition)
  await kit.trigger('bob', bob)
  await kit.require('bob', 'expired', { email: 'bob@example.org', reminders: 4 })
  expect(kit.now()).toEqual(new Date('2026-01-31'))
})

test('a reminder begins a new week, and leaves the end where it was', async () => {
  await using kit = testKit(definition)
  await kit.trigger('bob', bob)
  await kit.advance('8d')
  expect((await kit.awaitTimeoutInsert('bob', 'sent', 'reminder')).at).toEqual(new Date('2026-01-15'))
  expect((await kit.awaitTimeoutInsert('bob', 'sent', 'expiry')).at).toEqual(new Date('2026-01-31'))
})

test('an answer ends it, also after reminders', async () => {
  await using kit = testKit(definition)
  await kit.trigger('bob', bob)
  await kit.advance('20d')
  const run = await kit.triggerCallbackOn('bob', 'sent')
  expect(run).toMatchObject({ status: 'accepted', object: { reminders: 2 } })
})
