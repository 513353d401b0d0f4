import { after, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { testKit } from '../../src/index.ts'
import { trialDefinition } from './trial.ts'

const ann = { initialValue: { user: 'ann', reminders: 0 } }
const day = 86_400_000

test('a run goes as far as it can while the test waits, and time passes only as far as it must', async () => {
  await using kit = testKit(trialDefinition)
  const run = await kit.trigger('ann', ann)
  await kit.waitFor(run, 'started')
  expect(kit.now()).toEqual(new Date('2026-01-01'))
  const expired = await kit.waitForCompletion('ann')
  expect(expired.status).toBe('expired')
  expect(expired.object.reminders).toBe(2)
  // Two stays of ten days, and one of thirty.
  expect(kit.now()).toEqual(new Date(Date.UTC(2026, 0, 1) + 50 * day))
})

test('a callback is sent when the run waits for it, and handled before the test goes on', async () => {
  await using kit = testKit(trialDefinition)
  await kit.trigger('ann', ann)
  const run = await kit.triggerCallbackOn('ann', 'started', { card: 'visa' })
  expect(run.status).toBe('subscribed')
  expect(run.object.card).toBe('visa')
  expect(kit.now()).toEqual(new Date('2026-01-01'))
})

test('time passes until the run comes to the callback, also by way of timers', async () => {
  const late = workflow('late', {
    object: unchecked<{}>(),
    graph: { resting: { timeout: ['open'] }, open: { callback: ['done'] }, done: {} },
  })
    .addTimeout('resting', after('7d'), async () => 'open')
    .addCallback('open', async () => 'done')
  await using kit = testKit(late)
  await kit.trigger('a', { initialValue: {} })
  expect((await kit.triggerCallbackOn('a', 'open')).status).toBe('done')
  expect(kit.now()).toEqual(new Date('2026-01-08'))
})

test('timers are known before they expire, each by its name', async () => {
  await using kit = testKit(trialDefinition)
  await kit.trigger('ann', ann)
  expect(await kit.awaitTimeoutInsert('ann', 'started', 'reminder')).toEqual({
    name: 'reminder',
    at: new Date('2026-01-11'),
    inMs: 10 * day,
  })
  expect((await kit.awaitTimeoutInsert('ann', 'started', 'expiry')).inMs).toBe(30 * day)
  await kit.advance('25d')
  expect((await kit.run('ann')).object.reminders).toBe(2)
  await expect(kit.awaitTimeoutInsert('ann', 'started', 'reminder')).rejects.toThrow(
    "the run is there and has no timer 'reminder', but 'expiry'",
  )
})

test('require compares status and object, and shows the difference', async () => {
  await using kit = testKit(trialDefinition)
  await kit.trigger('ann', ann)
  await kit.require('ann', 'started', { user: 'ann', reminders: 0 })
  await kit.require('ann', 'started', ({ user }) => user === 'ann')
  await expect(kit.require('ann', 'started', { user: 'bob', reminders: 0 })).rejects.toThrow(/is not what was required[^]*bob/)
  await expect(kit.require('ann', 'started', ({ user }) => user === 'bob')).rejects.toThrow('the check refused the object of run')
  // Both are found at the line of the test.
  for (const wrong of [{ user: 'bob', reminders: 0 }, () => false]) {
    const error: unknown = await kit.require('ann', 'started', wrong).catch((reason: unknown) => reason)
    expect((error as Error).stack?.split('\n').find((line) => line.startsWith('    at '))).toContain('verbs.test.ts')
  }
})

test('time can be passed by length and to a date, and what is due on the way happens at its instant', async () => {
  await using kit = testKit(trialDefinition, {}, { start: new Date('2030-03-01') })
  await kit.trigger('ann', ann)
  await kit.advance('9d')
  await kit.advanceTo(new Date('2030-03-10'))
  expect((await kit.history('ann')).map(({ to }) => to)).toEqual(['requested', 'started'])
  await kit.advanceTo(new Date('2030-03-12'))
  expect((await kit.history('ann')).at(-1)).toMatchObject({ by: 'timeout', at: new Date('2030-03-11') })
  expect(kit.now()).toEqual(new Date('2030-03-12'))
  await expect(kit.advanceTo(new Date('2030-03-11'))).rejects.toThrow('needs a date from 2030-03-12')
})

test('what is due at the very end of a length of time has happened then', async () => {
  await using kit = testKit(trialDefinition)
  await kit.trigger('ann', ann)
  await kit.advance('10d')
  expect((await kit.run('ann')).object.reminders).toBe(1)
})

test('a callback waits until a paused run is resumed', async () => {
  await using kit = testKit(trialDefinition)
  const { runId } = await kit.trigger('ann', ann)
  await kit.waitFor('ann', 'started')
  await kit.workflow.pause(runId, { actor: 'test', reason: 'a look' })
  const called = kit.triggerCallbackOn('ann', 'started', { card: 'visa' })
  await kit.settle()
  expect((await kit.run('ann')).state).toBe('Paused')
  await kit.workflow.resume(runId, { actor: 'test', reason: 'all is well' })
  expect((await called).status).toBe('subscribed')
})

test('a run may be awaited before anybody has started it', async () => {
  await using kit = testKit(trialDefinition)
  const waiting = kit.waitFor('ann', 'started')
  await kit.trigger('ann', ann)
  expect((await waiting).foreignId).toBe('ann')
})

test('several runs go side by side, and a foreign id means the newest of its runs', async () => {
  await using kit = testKit(trialDefinition)
  const first = await kit.trigger('ann', ann)
  await kit.triggerCallbackOn('ann', 'started', { card: 'one' })
  const second = await kit.trigger('ann', ann)
  await kit.trigger('bob', { initialValue: { user: 'bob', reminders: 0 } })
  await Promise.all([kit.triggerCallbackOn(second, 'started', { card: 'two' }), kit.waitForCompletion('bob')])
  expect((await kit.run('ann')).object.card).toBe('two')
  expect((await kit.run(first)).object.card).toBe('one')
  expect((await kit.run('bob')).status).toBe('expired')
})

test('what the workflow itself is asked can be awaited while time passes', async () => {
  await using kit = testKit(trialDefinition)
  const { runId } = await kit.trigger('ann', ann)
  const run = await kit.until(kit.workflow.awaitCompletion(runId))
  expect(run.status).toBe('expired')
})

test('a run that ended elsewhere is told at once', async () => {
  await using kit = testKit(trialDefinition)
  await kit.trigger('m', { initialValue: { user: 'mallory', reminders: 0 } })
  await expect(kit.waitFor('m', 'subscribed')).rejects.toMatchObject({ code: 'RunFinished' })
  await expect(kit.triggerCallbackOn('m', 'started', { card: 'visa' })).rejects.toMatchObject({ code: 'RunFinished' })
  await expect(kit.awaitTimeoutInsert('m', 'started')).rejects.toMatchObject({ code: 'RunFinished' })
})

test('after the stop nothing goes on, and every wait ends', async () => {
  const kit = testKit(trialDefinition)
  await kit.trigger('ann', ann)
  const waiting = kit.waitForCompletion('nobody')
  const ended = expect(waiting).rejects.toMatchObject({ code: 'Stopped' })
  await Promise.all([kit.stop(), kit.stop()])
  await ended
  await expect(kit.waitFor('ann', 'expired')).rejects.toMatchObject({ code: 'Stopped' })
  await expect(kit.trigger('bob', ann)).rejects.toMatchObject({ code: 'Stopped' })
  expect(kit.clock.pending()).toEqual([])
})
