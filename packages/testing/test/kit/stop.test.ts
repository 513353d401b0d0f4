/** What is left when a kit stops: nothing of its own, and everything of others'. */
import { after, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { neverAnswers, testKit } from '../../src/index.ts'
import { trialDefinition } from './trial.ts'

const ann = { initialValue: { user: 'ann', reminders: 0 } }

test.each([undefined, '0ms', '30s', '10m'] as const)(
  'a stop ends although a handler never does, with a shutdownTimeout of %s',
  async (limit) => {
    const infrastructure = limit === undefined ? {} : { shutdownTimeout: limit }
    const kit = testKit(
      trialDefinition,
      { steps: { requested: () => new Promise(() => undefined) } },
      { infrastructure, patience: '100ms' },
    )
    await kit.trigger('ann', ann)
    await expect(kit.settle()).rejects.toMatchObject({ reason: 'stalled' })
    await kit.stop()
    expect(kit.clock.pending()).toEqual([])
  },
)

test('a handler that waits in virtual time is given up by the stop, and leaves no timer behind', async () => {
  const kit = testKit(trialDefinition, { steps: { requested: neverAnswers } })
  await kit.trigger('ann', ann)
  await kit.settle()
  await kit.stop()
  expect(kit.clock.pending()).toEqual([])
  expect(kit.calls('step', 'requested')[0]?.error).toBeDefined()
})

test('of kits beside each other one may stop, in any order, and the others go on', async () => {
  const other = workflow('other', { object: unchecked<{}>(), graph: { on: { timeout: ['off'] }, off: {} } }).addTimeout(
    'on',
    after('1d'),
    async () => 'off',
  )
  const first = testKit(trialDefinition)
  const second = testKit(other, {}, { beside: first })
  await first.trigger('ann', ann)
  const waiting = [first.waitFor('nobody', 'started'), first.until(new Promise(() => undefined)), first.waitForCompletion('ann')]
  const outcomes = Promise.allSettled(waiting)
  await second.trigger('a', { initialValue: {} })
  await first.stop()
  expect((await outcomes).map((outcome) => outcome.status === 'rejected' && (outcome.reason as { code?: string }).code)).toEqual([
    'Stopped',
    'Stopped',
    'Stopped',
  ])
  for (const call of [() => first.settle(), () => first.run('ann'), () => first.advance('1d'), () => first.waitFor('nobody', 'started')])
    await expect(call()).rejects.toMatchObject({ code: 'Stopped' })
  expect((await second.waitForCompletion('a')).status).toBe('off')
  await using third = testKit(trialDefinition, {}, { beside: second })
  await third.trigger('bob', ann)
  await second.stop()
  expect((await third.waitForCompletion('bob')).status).toBe('expired')
})
