/** What must not compile, and what types a test gets. Checked with the rest of the package's types. */
import { unchecked, workflow } from '@workflow/core'
import { testingRun, testKit, type TestKit } from '../../src/index.ts'
import { trialDefinition, trials } from './trial.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function holds<_T extends true>(): void

const kit = testKit(trialDefinition)
holds<Equal<typeof kit, TestKit<typeof trials, never>>>()

// A mock for a step that does not exist.
// @ts-expect-error
testKit(trialDefinition, { steps: { wanted: 'started' } })
// A status that has no step.
// @ts-expect-error
testKit(trialDefinition, { steps: { started: 'expired' } })
// A mock that goes where the graph does not lead.
// @ts-expect-error
testKit(trialDefinition, { steps: { requested: 'subscribed' } })
// @ts-expect-error
testKit(trialDefinition, { steps: { requested: async () => 'subscribed' } })
// A group that there is not.
// @ts-expect-error
testKit(trialDefinition, { step: {} })
// A connector that there is not.
// @ts-expect-error
testKit(trialDefinition, { connectors: { carrier: async () => undefined } })
// @ts-expect-error
void kit.publish('carrier', { key: 'a', value: 1 })

testKit(trialDefinition, {
  steps: { requested: async (run, real) => (run.object.reminders > 0 ? 'refused' : await real()) },
  callbacks: { started: async (_run, { card }) => (card === '' ? 'refused' : 'subscribed') },
  timeouts: { started: { reminder: 'expired', expiry: async (run) => run.skip() } },
})

// An object, a status, a payload that do not fit.
// @ts-expect-error
void kit.trigger('ann', { initialValue: { user: 7, reminders: 0 } })
// @ts-expect-error
void kit.waitFor('ann', 'wanted')
// @ts-expect-error
void kit.triggerCallbackOn('ann', 'requested', { card: 'visa' })
// @ts-expect-error
void kit.triggerCallbackOn('ann', 'started', { card: 7 })
// @ts-expect-error: the payload is missing
void kit.triggerCallbackOn('ann', 'started')
// @ts-expect-error
void kit.awaitTimeoutInsert('ann', 'requested')
// @ts-expect-error
void kit.require('ann', 'expired', { user: 'ann' })
// @ts-expect-error
kit.calls('step', 'started')
// @ts-expect-error
void kit.advance('ten days')

const [call] = kit.calls('callback', 'started')
holds<Equal<NonNullable<typeof call>['payload'], { card: string }>>()
const expired = await kit.waitFor('ann', 'expired')
holds<Equal<typeof expired.status, 'expired'>>()
holds<Equal<typeof expired.object.user, string>>()

// A definition that lacks a handler, or transactions without what makes them.
const unfinished = trials.addStep('requested', async () => 'started')
// @ts-expect-error
testKit(unfinished)
const accounts = workflow('account', { object: unchecked<{}>(), graph: { asked: { step: ['open'] }, open: {} } })
  .transactional<string[]>()
  .addStep('asked', async (run) => run.commit('open', async (rows) => void rows.push('row')))
testKit(
  accounts,
  { steps: { asked: async (run) => run.commit('open', async (rows) => void rows.push('mocked')) } },
  { transaction: () => [''] },
)
// @ts-expect-error
testKit(accounts, {}, { transaction: () => 7 })

const run = testingRun(trials, 'requested', { object: { user: 'ann', reminders: 0 } })
holds<Equal<typeof run.status, 'requested'>>()
// @ts-expect-error
testingRun(trials, 'wanted', { object: { user: 'ann', reminders: 0 } })
// @ts-expect-error
testingRun(trials, 'requested', { object: { user: 'ann' } })
