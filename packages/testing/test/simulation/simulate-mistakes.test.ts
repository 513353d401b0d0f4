import { after, isWorkflowError, unchecked, workflow } from '@workflow/core'
import { memory } from '@workflow/core/memory'
import { expect, test } from 'vitest'
import { CannotFinish, simulate, SimulationFailed } from '../../src/simulation/index.ts'

const trial = workflow('trial', {
  object: unchecked<{ n: number }>(),
  graph: { started: { step: ['waiting'] }, waiting: { callback: ['over'], timeout: ['expired'] }, over: {}, expired: {} },
})
type Step = Parameters<typeof trial.addStep<'started'>>[1]
const trialWith = (step: Step) =>
  trial
    .addStep('started', step)
    .addCallback('waiting', async () => 'over')
    .addTimeout('waiting', after('1h'), async () => 'expired')
const good = trialWith(async () => 'waiting')
const options = { initialValue: () => ({ n: 1 }), seeds: 3, runs: 5, faults: 5 }
const failureOf = (definition: unknown, given: unknown): Promise<unknown> =>
  simulate(definition as typeof good, given as typeof options).then(
    () => undefined,
    (error: unknown) => error,
  )

test.each([
  [undefined, 'simulate needs options, at least { initialValue }'],
  [{}, "simulate needs 'initialValue', a function"],
  [{ ...options, initialValue: { n: 1 } }, "'initialValue', a function: (chance, foreignId) => what a run starts with; got an object"],
  [{ ...options, seeds: 0 }, "'seeds' must be a whole number from 1; got 0"],
  [{ ...options, seeds: '10' }, "'seeds' must be a whole number from 1; got '10'"],
  [{ ...options, seeds: NaN }, "'seeds' must be a whole number from 1; got NaN"],
  [{ ...options, firstSeed: 1.5 }, "'firstSeed' must be a whole number from 0; got 1.5"],
  [{ ...options, runs: 2.5 }, "'runs' must be a whole number from 1 to 10000; got 2.5"],
  [{ ...options, faults: -3 }, "'faults' must be a whole number from 0 to 10000; got -3"],
  [{ ...options, instances: 0 }, "'instances' must be a whole number from 1 to 16; got 0"],
  [{ ...options, faultKinds: ['proces dies'] }, "there is no kind of fault 'proces dies'; there are process dies,"],
  [{ ...options, without: '3,5' }, "'without' must be a list; got '3,5'"],
  [{ ...options, without: ['3'] }, "'without' must hold numbers of faults; got '3'"],
  [{ ...options, seed: 5 }, "simulate has no option 'seed'; there are seeds,"],
  [{ ...options, onSeed: true }, "'onSeed' must be a function; got true"],
  [
    { ...options, payloads: { waitng: () => 1 } },
    "'payloads' names 'waitng', and workflow 'trial' has no such status with a callback; it has waiting",
  ],
  [{ ...options, payloads: { waiting: 1 } }, "'payloads' of 'waiting' must be a function, (chance) => the value; got 1"],
  [{ ...options, events: { letters: () => 1 } }, "'events' names 'letters', and workflow 'trial' has no such connector"],
])('options %j are refused before anything runs', async (given, message) => {
  const error = await failureOf(good, given)
  expect(isWorkflowError(error, 'InvalidArgument')).toBe(true)
  expect((error as Error).message).toContain(message)
})

test.each([
  [undefined, 'its first argument must be a definition, or a function that returns one; got undefined'],
  [() => undefined, 'must be a definition, or a function that returns one; got undefined'],
  [async () => good, 'must not be made by an async function'],
  [good.build(memory()), 'got a workflow that was built: hand over what .build() was called on'],
])('what is no definition is told apart', async (definition, message) => {
  const error = await failureOf(definition, options)
  expect(isWorkflowError(error, 'InvalidArgument')).toBe(true)
  expect((error as Error).message).toContain(message)
})

test.each([
  [
    () => {
      throw new Error('mine')
    },
    "the initial value of 'f",
  ],
  [async () => ({ n: 1 }), 'it returned a promise'],
])('values that cannot be made are no broken promise', async (initialValue, message) => {
  const error = await failureOf(good, { ...options, initialValue })
  expect(isWorkflowError(error, 'InvalidArgument')).toBe(true)
  expect((error as Error).message).toContain(message)
})

test('a handler that never succeeds is shown with its error', { timeout: 60_000 }, async () => {
  const error = await failureOf(
    trialWith(() => Promise.reject(new Error('no key for the bank'))),
    options,
  )
  expect(error).toBeInstanceOf(CannotFinish)
  expect((error as Error).message).toContain('The last error of a handler: Error: no key for the bank')
})

test('a failure that does not come again by the same seed says what to look for', { timeout: 60_000 }, async () => {
  let calls = 0
  const error = await failureOf(
    trialWith(async () => {
      // As a cache or a random number would: what it does depends on what ran before.
      if (++calls > 12) await new Promise(() => undefined)
      return 'waiting'
    }),
    { ...options, seeds: 20 },
  )
  expect(error).toBeInstanceOf(SimulationFailed)
  expect((error as Error).message).toContain('The same seed took another way the second time')
})

test('a replay is given the values that failed', { timeout: 60_000 }, async () => {
  // Hangs for one value in twelve: only with that value again it does so again.
  const picky = trialWith(async (run) => {
    if (run.object.n === 7) await new Promise(() => undefined)
    return 'waiting'
  })
  const given = {
    ...options,
    initialValue: (chance: { between(a: number, b: number): number }) => ({ n: chance.between(1, 12) }),
    seeds: 20,
  }
  const error = await failureOf(picky, given)
  // Three runs without faults happen to have none of that value.
  if (!(error instanceof SimulationFailed)) throw new Error(`it must fail: ${String(error)}`)
  expect(error.message).not.toContain('took another way')
  await expect(simulate(picky, { ...given, ...error.replay })).rejects.toMatchObject({ invariant: error.invariant, seed: error.seed })
})

test('children whose definition is missing are asked for', async () => {
  const child = workflow('child', { object: unchecked<null>(), graph: { a: { step: ['b'] }, b: {} } })
  const parent = workflow('parent', {
    object: unchecked<{ n: number }>(),
    graph: { started: { step: ['joined'] }, joined: { join: ['over'] }, over: {} },
    children: { joined: child },
  })
  const definition = parent
    .addStep('started', async (run) => {
      run.startChild(child, `${run.foreignId}/child`, { initialValue: null })
      return 'joined'
    })
    .addJoin('joined', async () => 'over')
  const error = await failureOf(definition, options)
  expect((error as Error).message).toContain(
    "workflow 'child' was committed, which is not simulated: give its definition among the children",
  )
})
