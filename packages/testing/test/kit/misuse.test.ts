/** The mistakes that people make with a kit: each is told by what is wrong and how to do it right, and none hangs. */
import { type Definition, type AnyContract, isWorkflowError, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { Stuck, testKit, VirtualClock } from '../../src/index.ts'
import { realMs } from '../../src/real-turn.ts'
import { trialDefinition } from './trial.ts'

const ann = { initialValue: { user: 'ann', reminders: 0 } }
const own = "the test kit of workflow 'trial': "

/** What a kit with these options is refused with. */
function refusal(options: unknown): string {
  try {
    testKit(trialDefinition, {}, options as never)
  } catch (error) {
    if (isWorkflowError(error)) return error.message
    throw error
  }
  return 'nothing was refused'
}

test.each([
  [{ startAt: new Date() }, `${own}there is no option 'startAt': there are beside, start, clock,`],
  [null, `${own}options are an object like { seed: 2 }; got null`],
  [{ start: '2026-01-01' }, `${own}start is no date: give it a Date, like new Date('2026-01-01')`],
  [{ clock: { now: Date.now } }, `${own}clock must be a VirtualClock of @workflow/testing`],
  [{ seed: Number.NaN }, `${own}seed must be a whole number; got NaN`],
  [{ seed: 'abc' }, `${own}seed must be a whole number; got abc`],
  [{ attemptsMax: 'many' }, `${own}attemptsMax must be 1 or more; got many`],
  [{ transaction: {} }, `${own}transaction must be a function that makes what transactional steps are handed`],
  [{ coverage: true }, `${own}coverage must be a folder, or false; got true`],
  [{ infrastructure: 7 }, `${own}infrastructure must be an object`],
  [{ infrastructure: { recordStore: {} } }, `${own}infrastructure may not have 'recordStore': a kit has one of its own`],
  [{ infrastructure: { connectors: {} } }, `${own}infrastructure may not have 'connectors': each connector has a stream of the kit`],
  [{ infrastructure: { clock: {} } }, `${own}infrastructure may not have 'clock': it is an option of testKit itself`],
])('options like %j are refused', (options, message) => {
  expect(refusal(options)).toContain(message)
})

test('a kit beside another one has that one’s patience, too, and that one must run', async () => {
  const kit = testKit(trialDefinition)
  expect(refusal({ beside: kit, patience: '1m' })).toBe(
    `${own}a kit beside another one has that one's time and patience: leave out patience`,
  )
  await kit.stop()
  expect(refusal({ beside: kit })).toBe(`${own}beside must be a kit that runs, and that one has been stopped`)
})

/** The error of a wait that must not end well, and how long that took. */
async function trouble(work: Promise<unknown>): Promise<Stuck> {
  try {
    await work
  } catch (error) {
    if (error instanceof Stuck) return error
    throw error
  }
  throw new Error('the wait ended well')
}

/** What the engine refuses, and goes on trying for ever. */
const refused: readonly (readonly [string, Parameters<typeof testKit<typeof trialDefinition.contract>>[1], string])[] = [
  [
    'a status that the graph does not lead to',
    { steps: { requested: 'subscribed' as never } },
    "InvalidOutcome: the handler of 'step requested' of workflow 'trial'",
  ],
  [
    'an object that cannot be stored',
    {
      steps: {
        requested: async (run) => {
          Object.assign(run.object, { made: new Map() })
          return 'started'
        },
      },
    },
    'NotSerializable: the object of run',
  ],
]

test.each(refused)('a handler that answers with %s keeps failing, and the error says so', async (_, mocks, message) => {
  await using kit = testKit(trialDefinition, mocks)
  await kit.trigger('ann', ann)
  const since = realMs()
  const error = await trouble(kit.waitFor('ann', 'started'))
  expect(error.reason).toBe('failing')
  expect(error.message).toContain(`whose 'step requested' has failed 25 times in a row, last with: ${message}`)
  expect(realMs() - since).toBeLessThan(3_000)
})

test('a handler whose deadline passes every time keeps failing', async () => {
  await using kit = testKit(trialDefinition, {
    steps: {
      requested: async (run) => {
        await kit.waitFor(run.foreignId, 'started')
        return 'started'
      },
    },
  })
  await kit.trigger('ann', ann)
  const error = await trouble(kit.waitFor('ann', 'started'))
  expect(error.reason).toBe('failing')
  expect(error.message).toMatch(/'step requested' has failed 25 times in a row, last with: DeadlineExceeded: the handler did not finish/)
})

test('failures before a success do not count', async () => {
  const loop = workflow('loop', {
    object: unchecked<{ count: number }>(),
    graph: { on: { step: ['on', 'off'] }, off: {} },
  }).addStep('on', async (run) => {
    if (run.attempt === 1) return 'nowhere' as never
    run.object.count += 1
    return run.object.count < 40 ? 'on' : 'off'
  })
  await using kit = testKit(loop, {}, { attemptsMax: 3, infrastructure: { autoResume: '1m' } })
  await kit.trigger('a', { initialValue: { count: 0 } })
  expect((await trouble(kit.waitForCompletion('a'))).reason).toBe('failing')
  const other = loop.contract.addStep('on', async (run) => {
    if (run.attempt === 1) throw new Error('once')
    run.object.count += 1
    return run.object.count < 40 ? 'on' : 'off'
  })
  await using fine = testKit(other, {}, { attemptsMax: 3 })
  await fine.trigger('a', { initialValue: { count: 0 } })
  expect((await fine.waitForCompletion('a')).object.count).toBe(40)
})

test('waiting by the workflow itself lets no time pass, and the error says how to', async () => {
  await using kit = testKit(trialDefinition, {}, { patience: '200ms' })
  const { runId } = await kit.trigger('ann', ann)
  const error = await trouble(kit.workflow.awaitCompletion(runId))
  expect(error.reason).toBe('stalled')
  expect(error.message).toContain("kit.workflow.awaitCompletion(…) of workflow 'trial' gave up after 200ms of real time")
  expect(error.message).toContain('In a test: await kit.until(kit.workflow.awaitCompletion(…))')
  expect(error.runs.map((run) => run.runId)).toEqual([runId])
  // What needs no time to pass is as good as ever, and so is waiting while somebody else lets time pass.
  const ended = kit.workflow.awaitCompletion(runId)
  expect((await kit.workflow.await(runId, 'started')).status).toBe('started')
  await kit.advance('60d')
  expect((await ended).status).toBe('expired')
})

test('a verb that nobody has awaited before the stop says which one, and where it is', async () => {
  const kit = testKit(trialDefinition)
  await kit.trigger('ann', ann)
  const forgotten = kit.waitFor('ann', 'expired').catch((error: unknown) => error)
  await kit.settle()
  await kit.stop()
  const error = (await forgotten) as Error
  expect(error.message).toBe(
    "the test kit of workflow 'trial' has been stopped, and waitFor('ann', 'expired') of workflow 'trial' still waited: await every verb before",
  )
  expect(error.stack?.split('\n')[1]).toContain('misuse.test.ts')
})

test('a verb whose kit is stopped before it has begun leaves no second error behind', async () => {
  const unhandled: unknown[] = []
  const hear = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', hear)
  try {
    const kit = testKit(trialDefinition)
    await kit.trigger('ann', ann)
    const forgotten = Promise.allSettled([
      kit.waitFor('ann', 'expired'),
      kit.waitForCompletion('ann'),
      kit.until(new Promise(() => undefined)),
    ])
    await kit.stop()
    expect((await forgotten).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  } finally {
    process.off('unhandledRejection', hear)
  }
  expect(unhandled).toEqual([])
})

test('a check of an object may take its time, and counts all the same', async () => {
  await using kit = testKit(trialDefinition)
  await kit.trigger('ann', ann)
  await kit.require('ann', 'started', async ({ user }) => user === 'ann')
  await expect(kit.require('ann', 'started', async ({ user }) => user === 'bob')).rejects.toThrow('the check refused the object of run')
  await expect(
    kit.require('ann', 'started', async () => {
      throw new Error('not like this')
    }),
  ).rejects.toThrow('not like this')
})

test('what is no promise, and what is the id of a run, is refused with what would do', async () => {
  await using kit = testKit(trialDefinition)
  const { runId } = await kit.trigger('ann', ann)
  await expect(kit.until((() => 1) as never)).rejects.toThrow(/needs a promise, like kit\.until\(kit\.workflow\..*got function/)
  await expect(kit.waitFor(runId, 'started')).rejects.toThrow(
    `waitFor('${runId}', 'started') of workflow 'trial': that is the id of a run, and no foreign id: name the run as { runId: '${runId}' }`,
  )
})

test('names that every object has are no mocks', () => {
  const mocked = (mocks: unknown): void => void testKit(trialDefinition as unknown as Definition<AnyContract>, mocks as never)
  expect(() => mocked({ constructor: {} })).toThrow("mocks have no 'constructor': there are steps, callbacks")
  expect(() => mocked({ steps: { toString: 'started' } })).toThrow("there is no step 'toString' to mock")
})

test('a mock of a connector that waits by its workflow waits in virtual time', async () => {
  const definition = workflow('parcel', { object: unchecked<{}>(), graph: { sent: { callback: ['there'] }, there: {} } })
    .addCallback('sent', async () => 'there')
    .addConnector('carrier', unchecked<{}>(), async () => undefined)
  await using kit = testKit(
    definition,
    {
      connectors: {
        carrier: async (event, api) => {
          const runId = await api.trigger(event.id, { initialValue: {} })
          await api.awaitCompletion(runId)
        },
      },
    },
    { patience: '1s' },
  )
  await kit.publish('carrier', { id: 'p', key: 'p', value: {} })
  await kit.triggerCallbackOn('p', 'sent')
  await kit.settle()
  expect(kit.calls('connector', 'carrier')).toMatchObject([{ returned: undefined }])
})

test('two kits may share a clock without sharing a database', async () => {
  const clock = new VirtualClock()
  await using one = testKit(trialDefinition, {}, { clock })
  await using other = testKit(trialDefinition, {}, { clock })
  await Promise.all([one.trigger('ann', ann), other.trigger('ann', ann)])
  await Promise.all([one.waitForCompletion('ann'), other.waitForCompletion('ann')])
  expect(one.now()).toEqual(other.now())
  expect(one.now()).toEqual(new Date('2026-02-20'))
})
