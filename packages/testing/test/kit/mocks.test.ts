import { after, type AnyContract, type Definition, isWorkflowError, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { neverAnswers, testKit } from '../../src/index.ts'
import { trialDefinition, trials } from './trial.ts'

const ann = { initialValue: { user: 'ann', reminders: 0 } }

test('a mock replaces one handler and leaves the others real', async () => {
  await using kit = testKit(trialDefinition, { steps: { requested: 'refused' } })
  await kit.trigger('ann', ann)
  expect((await kit.waitForCompletion('ann')).status).toBe('refused')
  const [call] = kit.calls('step', 'requested')
  expect(call).toMatchObject({ mocked: true, returned: 'refused', attempt: 1, foreignId: 'ann', at: new Date('2026-01-01') })
})

test('a mock is given what the real handler is, and may call it', async () => {
  await using kit = testKit(trialDefinition, {
    steps: {
      requested: async (run, real) => {
        if (run.attempt < 3) throw new Error(`down ${run.attempt}`)
        return await real()
      },
    },
    callbacks: {
      started: async (run, { card }, real) => {
        run.object.user = 'changed'
        return card === 'stolen' ? 'refused' : await real()
      },
    },
  })
  await kit.trigger('ann', ann)
  expect((await kit.triggerCallbackOn('ann', 'started', { card: 'visa' })).object).toEqual({ user: 'changed', reminders: 0, card: 'visa' })
  expect(
    kit.calls('step', 'requested').map(({ error, returned, attempt }) => [attempt, (error as Error | undefined)?.message ?? returned]),
  ).toEqual([
    [1, 'down 1'],
    [2, 'down 2'],
    [3, 'started'],
  ])
  // Both were decided by the real handlers, in the end.
  expect(
    kit
      .coverage()
      .workflows[0]?.transitions.filter(({ taken }) => taken > 0)
      .map(({ mocked }) => mocked),
  ).toEqual([0, 0])
  await kit.trigger('eve', { initialValue: { user: 'eve', reminders: 0 } })
  expect((await kit.triggerCallbackOn('eve', 'started', { card: 'stolen' })).status).toBe('refused')
})

test('calls keep the object as it was given, as it was left, and the payload', async () => {
  await using kit = testKit(trialDefinition)
  await kit.trigger('ann', ann)
  await kit.triggerCallbackOn('ann', 'started', { card: 'visa' })
  const [call] = kit.calls('callback', 'started')
  expect(call?.object).toEqual({ user: 'ann', reminders: 0 })
  expect(call?.objectAfter).toEqual({ user: 'ann', reminders: 0, card: 'visa' })
  expect(call?.payload.card).toBe('visa')
  expect(call?.mocked).toBe(false)
})

test('one of several timeouts is mocked by its name, and its timer stays as it is', async () => {
  await using kit = testKit(trialDefinition, { timeouts: { started: { reminder: 'expired' } } })
  await kit.trigger('ann', ann)
  expect((await kit.waitForCompletion('ann')).status).toBe('expired')
  expect(kit.now()).toEqual(new Date('2026-01-11'))
  expect(kit.calls('timeout', 'started', 'reminder')).toHaveLength(1)
  expect(kit.calls('timeout', 'started', 'expiry')).toHaveLength(0)
  expect(kit.calls('timeout', 'started')).toHaveLength(1)
})

test('something that never answers ends at its deadline, which is virtual', async () => {
  const definition = workflow('slow', { object: unchecked<{}>(), graph: { asking: { step: ['told'] }, told: {} } }).addStep(
    'asking',
    async () => 'told',
    { deadline: '2h' },
  )
  let first = true
  await using kit = testKit(definition, {
    steps: {
      asking: async (run, real) => {
        if (!first) return await real()
        first = false
        return await neverAnswers(run)
      },
    },
  })
  await kit.trigger('a', { initialValue: {} })
  await kit.waitForCompletion('a')
  expect(kit.calls('step', 'asking').map(({ error }) => (isWorkflowError(error) ? error.code : 'fine'))).toEqual([
    'DeadlineExceeded',
    'fine',
  ])
  expect(kit.now().getTime() - Date.UTC(2026, 0, 1)).toBeGreaterThanOrEqual(7_200_000)
})

const parcels = workflow('parcel', {
  object: unchecked<{ to: string }>(),
  graph: { announced: { callback: ['delivered'] }, delivered: {} },
})
const carried = parcels
  .addCallback('announced', async () => 'delivered')
  .addCallback('announced', async () => 'delivered')
  .addConnector('carrier', unchecked<{ parcel: string; arrived: boolean }>(), async ({ data }, api) => {
    if (data.arrived) await api.callback({ foreignId: data.parcel }, 'announced', undefined, { queue: true })
    else await api.trigger(data.parcel, { initialValue: { to: 'Lisbon' } })
  })
  .onComplete(async () => undefined)
  .onComplete(async () => undefined)

test('every connector has a stream of the kit, whose handler and hooks are recorded', async () => {
  await using kit = testKit(carried)
  await kit.publish(
    'carrier',
    { key: 'p1', value: { parcel: 'p1', arrived: false } },
    { key: 'p1', value: { parcel: 'p1', arrived: true } },
  )
  expect((await kit.waitForCompletion('p1')).object.to).toBe('Lisbon')
  await kit.settle()
  expect(kit.calls('connector', 'carrier').map(({ payload }) => (payload as { data: unknown }).data)).toEqual([
    { parcel: 'p1', arrived: false },
    { parcel: 'p1', arrived: true },
  ])
  expect(kit.calls('hook', 'complete').map(({ foreignId }) => foreignId)).toEqual(['p1', 'p1'])
})

test('mocks of connectors, callbacks and hooks stand for all handlers of their place', async () => {
  const told: string[] = []
  await using kit = testKit(carried, {
    callbacks: { announced: async (run) => run.skip() },
    connectors: {
      carrier: async (event, api) => {
        await api.trigger(event.id, { initialValue: { to: 'mocked' } })
      },
    },
    hooks: {
      complete: async (run) => {
        told.push(run.foreignId)
      },
    },
  })
  await kit.publish('carrier', { id: 'event-7', key: 'p', value: { parcel: 'p', arrived: false } })
  await kit.waitFor('event-7', 'announced')
  const skipped = await kit.triggerCallbackOn('event-7', 'announced')
  expect(skipped.status).toBe('announced')
  expect(kit.calls('callback', 'announced')).toHaveLength(1)
  const paused = await kit.run('event-7')
  await kit.workflow.cancel(paused.runId, { actor: 'test', reason: 'over' })
  await kit.settle()
  expect(told).toEqual([])
})

test('a mock of what the definition does not have is refused, with what there is', () => {
  const refused = (mocks: unknown, definition: Definition<AnyContract> = trialDefinition as never): string => {
    try {
      testKit(definition, mocks as never)
    } catch (error) {
      if (isWorkflowError(error, 'Configuration')) return error.message
    }
    return 'nothing was refused'
  }
  const own = "the test kit of workflow 'trial': "
  expect(refused({ steps: { wanted: 'started' } })).toBe(`${own}there is no step 'wanted' to mock. There is: 'requested'`)
  expect(refused({ joins: { requested: 'started' } })).toBe(
    `${own}there is no join 'requested' to mock. The definition has none of that kind`,
  )
  expect(refused({ timeouts: { started: 'expired' } })).toBe(
    `${own}'started' has 2 timeouts: mock them by name, like { started: { reminder: … } }. There are: 'reminder', 'expiry'`,
  )
  expect(refused({ timeouts: { started: { later: 'expired' } } })).toBe(
    `${own}'started' has no timeout 'later' to mock. There are: 'reminder', 'expiry'`,
  )
  expect(refused({ step: {} })).toContain("mocks have no 'step'")
  expect(refused({ steps: { requested: 7 } })).toBe(
    `${own}the mock of step 'requested' must be a function, or a status to go to; got number`,
  )
  expect(refused({ connectors: { carrier: 'p' } }, carried as never)).toContain(
    "the mock of connector 'carrier' must be a function; got string",
  )
  expect(refused(null)).toContain('mocks are an object')
  expect(refused({}, {} as never)).toBe('testKit needs a definition made with workflow(…).addStep(…); got something else')
})

test('what a mock returns is checked like what a handler returns', async () => {
  await using kit = testKit(trialDefinition, { steps: { requested: (async () => 'subscribed') as never } })
  await kit.trigger('ann', ann)
  await kit.settle()
  const explained = await kit.explain('ann')
  expect(explained.text).toContain("returned 'subscribed', and the graph leads its step only to 'started', 'refused'")
})

test('asking for calls of what is not there is refused', async () => {
  await using kit = testKit(trialDefinition)
  expect(() => kit.calls('step', 'wanted' as never)).toThrow(
    "workflow 'trial' has no step 'wanted' whose calls could be asked for; there is: 'step requested'",
  )
  expect(() => kit.calls('timeout', 'started', 'later')).toThrow("'timeout started (reminder)', 'timeout started (expiry)'")
  await expect(kit.publish('carrier' as never, { key: 'a', value: 1 })).rejects.toThrow(
    "workflow 'trial' has no connector 'carrier'; there are: none",
  )
})

test('computed timers may be computed by what is mocked elsewhere', async () => {
  const rows: string[] = []
  const definition = trials
    .addStep('requested', async () => 'started')
    .addCallback('started', async () => 'subscribed')
    .addTimeout(
      'started',
      async (run) => {
        rows.push(run.object.user)
        return after('1d')
      },
      async () => 'expired',
    )
  await using kit = testKit(definition, { timeouts: { started: 'expired' } })
  await kit.trigger('ann', ann)
  await kit.waitForCompletion('ann')
  expect(rows).toEqual(['ann'])
})

test('rows of a transactional step go where the test can see them, and without a place for them nothing is built', async () => {
  const rows: string[] = []
  const accounts = workflow('account', { object: unchecked<{}>(), graph: { asked: { step: ['open'] }, open: {} } })
    .transactional<string[]>()
    .addStep('asked', async (run) => run.commit('open', async (tx) => void tx.push('row')))
  await using kit = testKit(accounts, {}, { transaction: () => rows })
  await kit.trigger('a', { initialValue: {} })
  await kit.waitForCompletion('a')
  expect(rows).toEqual(['row'])
  expect(kit.coverage().workflows[0]?.transitions).toMatchObject([{ to: 'open', taken: 1 }])
  expect(() => testKit(accounts)).toThrow(/transaction/)
})
