import { readFile } from 'node:fs/promises'
import { after, type Clock, unchecked, workflow } from '@workflow/core'
import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import { Stuck, testKit, VirtualClock } from '../../src/index.ts'
import { realMs, realSleep } from '../../src/real-turn.ts'
import { trialDefinition } from './trial.ts'

const ann = { initialValue: { user: 'ann', reminders: 0 } }
const requests = workflow('request', {
  object: unchecked<{ tries: number }>(),
  graph: { open: { step: ['asked'] }, asked: { callback: ['answered'] }, answered: {} },
})
const request = requests.addStep('open', async () => 'asked').addCallback('asked', async () => 'answered')
const open = { initialValue: { tries: 0 } }

/** The error of a wait that must not end well. */
async function trouble(work: Promise<unknown>): Promise<Stuck> {
  try {
    await work
  } catch (error) {
    if (error instanceof Stuck) return error
    throw error
  }
  throw new Error('the wait ended well')
}

test('a deadlock is told at once: which run waits for what, and how a test sends it', async () => {
  await using kit = testKit(request)
  const run = await kit.trigger('r1', open)
  await kit.trigger('r2', open)
  const since = realMs()
  const error = await trouble(kit.waitForCompletion('r1'))
  // Long before the patience of the kit, and of test runners.
  expect(realMs() - since).toBeLessThan(3_000)
  expect(error.reason).toBe('deadlock')
  expect(error.message.split('\n')).toEqual([
    "waitForCompletion('r1') of workflow 'request' waits in vain: everything is idle, and nothing is left that time could bring.",
    expect.stringMatching(/^- Run \S+ \('r1'\) of workflow 'request' is Running at 'asked'.*a callback for 'asked' comes in/),
    expect.stringMatching(/^- Run \S+ \('r2'\)/),
    "In a test: kit.triggerCallbackOn('r1', 'asked', …)",
    "In a test: kit.triggerCallbackOn('r2', 'asked', …)",
  ])
  expect(error.runs[0]?.runId).toBe(run.runId)
  // Nothing is broken by it: the test may go on.
  expect((await kit.triggerCallbackOn('r1', 'asked')).status).toBe('answered')
})

test('time that passes in vain first is no harm: other runs have their timers, and then it is told', async () => {
  await using kit = testKit(trialDefinition)
  await kit.trigger('ann', ann)
  const error = await trouble(kit.waitFor('nobody', 'started'))
  expect(error.reason).toBe('deadlock')
  expect(error.message).toContain('No run is unfinished.')
  expect((await kit.run('ann')).status).toBe('expired')
})

test('a paused run waits for a person, and the error says how a test resumes it', async () => {
  const paused = requests.addStep('open', async (run) => run.pause('looks odd')).addCallback('asked', async () => 'answered')
  await using kit = testKit(paused)
  await kit.trigger('r1', open)
  const error = await trouble(kit.waitFor('r1', 'asked'))
  expect(error.message).toContain('looks odd')
  expect(error.message).toMatch(/In a test: kit\.workflow\.resume\('.+', \{ actor, reason \}\)/)
})

test('somebody else may still act while a wait seems vain', async () => {
  await using kit = testKit(request)
  await kit.trigger('r1', open)
  const waiting = kit.waitForCompletion('r1')
  await readFile(import.meta.filename)
  await kit.triggerCallbackOn('r1', 'asked')
  expect((await waiting).status).toBe('answered')
})

test('a handler on a real timer stops time, and the error names it, the cause and the cure', async () => {
  await using kit = testKit(
    request,
    {
      steps: {
        open: async () => {
          await new Promise((resolve) => {
            setTimeout(resolve, 60_000).unref()
          })
          return 'asked'
        },
      },
    },
    { patience: '200ms' },
  )
  await kit.trigger('r1', open)
  for (const wait of [() => kit.waitFor('r1', 'asked'), () => kit.advance('90d'), () => kit.settle()]) {
    const error = await trouble(wait())
    expect(error.reason).toBe('stalled')
    expect(error.message).toContain("gave up after 200ms of real time: 'step open' of 'r1' waits for something that is not virtual time")
    expect(error.message).toContain('kit.clock')
    expect(error.message).toContain('Timeout')
  }
  expect(kit.now()).toEqual(new Date('2026-01-01'))
})

test('a promise that nobody resolves is told the same way, in every kind of handler', async () => {
  const hanging = () => new Promise<never>(() => undefined)
  const timed = workflow('timed', { object: unchecked<{}>(), graph: { on: { timeout: ['off'] }, off: {} } })
    .addTimeout(
      'on',
      async () => await hanging(),
      async () => 'off',
    )
    .onComplete(hanging)
  await using kit = testKit(timed, {}, { patience: '150ms' })
  await kit.trigger('a', { initialValue: {} })
  expect((await trouble(kit.waitFor('a', 'off'))).message).toContain("'timer on' of 'a' waits for something")
  const hooked = workflow('hooked', { object: unchecked<{}>(), graph: { on: { step: ['off'] }, off: {} } })
    .addStep('on', async () => 'off')
    .onComplete(hanging)
  await using other = testKit(hooked, {}, { patience: '150ms' })
  await other.trigger('a', { initialValue: {} })
  await other.waitForCompletion('a')
  expect((await trouble(other.advance('1h'))).message).toContain("'hook complete' of 'a' waits for something")
})

test('short real input is waited for while time stands still', async () => {
  await using kit = testKit(request, {
    steps: {
      open: async (run) => {
        run.object.tries = (await readFile(import.meta.filename)).byteLength
        return 'asked'
      },
    },
  })
  await kit.trigger('r1', open)
  await kit.advance('1d')
  const [, asked] = await kit.history('r1')
  expect(asked).toMatchObject({ to: 'asked', at: new Date('2026-01-01') })
  expect(asked?.object?.tries).toBeGreaterThan(1_000)
})

function sleeping(clock: Clock) {
  return requests
    .addStep(
      'open',
      async () => {
        await new Promise<void>((resolve) => {
          clock.setTimer(3_600_000, resolve)
        })
        return 'asked'
      },
      { deadline: false },
    )
    .addCallback('asked', async () => 'answered')
}

test('a call of the engine that leaves a timer behind does not make real input virtual', async () => {
  await using kit = testKit(request, {
    steps: {
      open: async (run) => {
        await kit.workflow.await(run.runId, 'open')
        run.object.tries = (await readFile(import.meta.filename)).byteLength
        return 'asked'
      },
    },
  })
  await kit.trigger('r1', open)
  await kit.advance('1h')
  expect((await kit.history('r1'))[1]).toMatchObject({ to: 'asked', at: new Date('2026-01-01') })
})

test('a handler that goes on after its deadline holds nobody up', async () => {
  const clock = new VirtualClock()
  let first = true
  await using kit = testKit(
    request,
    {
      steps: {
        open: async () => {
          if (!first) return 'asked'
          first = false
          await new Promise<void>((resolve) => void clock.setTimer(3_600_000, resolve))
          return await new Promise<never>(() => undefined)
        },
      },
    },
    { clock, patience: '500ms', infrastructure: { defaults: { deadline: '30m', errBackOff: '2h' } } },
  )
  await kit.trigger('r1', open)
  await kit.waitFor('r1', 'asked')
  expect(kit.now()).toEqual(new Date('2026-01-01T02:30:00Z'))
})

test('what the engine waits for where nobody can look, like a slow schema, is no deadlock', async () => {
  const slow = z.object({}).refine(async () => {
    await realSleep(600)
    return true
  })
  const checked = workflow('checked', { object: slow, graph: { open: { step: ['done'] }, done: {} } }).addStep('open', async () => 'done')
  await using kit = testKit(checked)
  await kit.trigger('a', { initialValue: {} })
  expect((await kit.waitForCompletion('a')).status).toBe('done')
})

test("a handler that waits on the kit's clock waits in virtual time", async () => {
  const clock = new VirtualClock()
  await using kit = testKit(sleeping(clock), {}, { clock })
  await kit.trigger('r1', open)
  await kit.waitFor('r1', 'asked')
  expect(kit.now()).toEqual(new Date('2026-01-01T01:00:00Z'))
})

test('a handler that waits for another run waits in virtual time', async () => {
  const clock = new VirtualClock()
  await using slow = testKit(sleeping(clock), {}, { clock })
  const waiting = workflow('waiting', { object: unchecked<{ id: string }>(), graph: { begun: { step: ['done'] }, done: {} } }).addStep(
    'begun',
    async (run) => {
      await slow.workflow.await(run.object.id, 'asked')
      return 'done'
    },
    { deadline: false },
  )
  await using kit = testKit(waiting, {}, { beside: slow })
  const { runId } = await slow.trigger('r1', open)
  await kit.trigger('w1', { initialValue: { id: runId } })
  await kit.waitForCompletion('w1')
  expect(kit.now()).toEqual(new Date('2026-01-01T01:00:00Z'))
})

test('a handler that fails every time ends the wait with its error', async () => {
  const cause = new TypeError('cannot read cents of undefined')
  await using kit = testKit(request, { steps: { open: async () => Promise.reject(cause) } })
  await kit.trigger('r1', open)
  const error = await trouble(kit.waitFor('r1', 'asked'))
  expect(error.reason).toBe('failing')
  expect(error.message).toContain("whose 'step open' has failed 25 times in a row, last with: TypeError: cannot read cents of undefined")
  expect(error.cause).toBe(cause)
  await using patient = testKit(
    request,
    { steps: { open: async (run, real) => (run.attempt < 40 ? Promise.reject(cause) : await real()) } },
    { attemptsMax: 50 },
  )
  await patient.trigger('r1', open)
  await patient.waitFor('r1', 'asked')
  expect(patient.calls('step', 'open')).toHaveLength(40)
})

test('what goes on for ever is given up with what has passed', async () => {
  const endless = workflow('endless', { object: unchecked<{}>(), graph: { on: { timeout: ['on', 'off'] }, off: {} } }).addTimeout(
    'on',
    after('1d'),
    async () => 'on',
  )
  await using kit = testKit(endless, {}, { patience: '200ms' })
  await kit.trigger('a', { initialValue: {} })
  const error = await trouble(kit.waitForCompletion('a'))
  expect(error.reason).toBe('slow')
  expect(error.message).toMatch(/gave up after 200ms of real time, in which \d+(\.\d)?d of virtual time passed/)
})

test("a promise of the test's own is waited for until the patience is over", async () => {
  await using kit = testKit(request, {}, { patience: '300ms' })
  expect(await kit.until(readFile(import.meta.filename, 'utf8'))).toContain('patience')
  const since = realMs()
  const error = await trouble(kit.until(new Promise(() => undefined)))
  expect(realMs() - since).toBeGreaterThanOrEqual(295)
  expect(error.reason).toBe('deadlock')
})

test('children run only where their workflow does, and the error says so', async () => {
  const orders = workflow('order', {
    object: unchecked<{}>(),
    graph: { placed: { step: ['asking'] }, asking: { join: ['done'] }, done: {} },
    children: { asking: requests },
  })
    .addStep('placed', async (run) => {
      run.startChild(requests, `child of ${run.foreignId}`, open)
      return 'asking'
    })
    .addJoin('asking', async (_run, children) => (children.every(({ status }) => status === 'answered') ? 'done' : 'done'))
  await using kit = testKit(orders)
  await kit.trigger('o1', { initialValue: {} })
  const error = await trouble(kit.waitForCompletion('o1'))
  expect(error.message).toContain('testKit(childDefinition, {}, { beside: kit })')
  await using child = testKit(request, {}, { beside: kit })
  await child.triggerCallbackOn('child of o1', 'asked')
  expect((await kit.waitForCompletion('o1')).status).toBe('done')
})

test('fake timers of a test runner do not stop the kit', async () => {
  vi.useFakeTimers()
  try {
    await using kit = testKit(trialDefinition)
    await kit.trigger('ann', ann)
    expect((await kit.waitForCompletion('ann')).status).toBe('expired')
  } finally {
    vi.useRealTimers()
  }
})

test('options that cannot work are refused', async () => {
  const clock = new VirtualClock()
  expect(() => testKit(request, {}, { beside: {} as never })).toThrow("the test kit of workflow 'request': beside must be another test kit")
  await using kit = testKit(request)
  expect(() => testKit(request, {}, { beside: kit, clock })).toThrow("that one's time and patience: leave out clock")
  expect(() => testKit(request, {}, { clock, start: new Date() })).toThrow('the clock has its own time')
  expect(() => testKit(request, {}, { start: new Date('nonsense') })).toThrow('start is no date')
  expect(() => testKit(request, {}, { patience: 'soon' as never })).toThrow('patience must be a number with a unit')
  expect(() => testKit(request, {}, { attemptsMax: 0 })).toThrow('attemptsMax must be 1 or more; got 0')
})
