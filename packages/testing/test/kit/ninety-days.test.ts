import { test } from 'vitest'
import { billedSubscriptions, expiringInvitations } from './ninety-days.ts'

// How long they take is measured, by benchmarks/testing.ts: here others may be at work.
test.each([
  ['invitations that nobody answers', expiringInvitations],
  ['subscriptions that are billed', billedSubscriptions],
])('ninety days of a thousand %s are one test among others', { timeout: 60_000 }, async (_what, ninetyDays) => {
  await ninetyDays(1_000)
})
