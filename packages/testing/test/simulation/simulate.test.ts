import { after, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { CannotFinish, type FaultKind, simulate, SimulationFailed } from '../../src/simulation/index.ts'

const trial = workflow('trial', {
  object: unchecked<{ user: string; mails: number }>(),
  graph: {
    started: { step: ['waiting'] },
    waiting: { callback: ['subscribed', 'declined'], timeout: ['expired'] },
    subscribed: {},
    declined: {},
    expired: {},
  },
  payloads: { waiting: unchecked<{ yes: boolean }>() },
})
const initialValue = (): { user: string; mails: number } => ({ user: 'ann', mails: 0 })
const payloads = { waiting: (chance: { chance: (probability: number) => boolean }) => ({ yes: chance.chance(0.5) }) }

test("a user's workflow is simulated with real handlers, virtual waiting, faults of every kind, and reports what it met", {
  timeout: 60_000,
}, async () => {
  let mails = 0
  const report = await simulate(
    ({ clock }) =>
      trial
        .addStep('started', async (run) => {
          await new Promise<void>((resolve) => {
            clock.setTimer(30, resolve)
          })
          mails++
          run.object.mails++
          return 'waiting'
        })
        .addCallback('waiting', async (_run, { yes }) => (yes ? 'subscribed' : 'declined'))
        .addTimeout('waiting', after('20s'), async () => 'expired')
        .onComplete(async () => undefined),
    { initialValue, payloads, seeds: 15, runs: 10, faults: 15 },
  )
  expect(report.seeds).toBe(15)
  expect(report.runs).toBeGreaterThan(50)
  expect(mails).toBeGreaterThanOrEqual(report.runs)
  expect(report.faults.size).toBeGreaterThan(10)
  expect(report.coverage.get('by callback')).toBeGreaterThan(0)
  expect(report.coverage.get('by timeout')).toBeGreaterThan(0)
  expect(report.coverage.get('hook Completed')).toBeGreaterThan(0)
})

test('a failure names the promise, is made small, and its replay fails in the same way', { timeout: 120_000 }, async () => {
  // A handler that never recovers from a first failure: harmless until something makes it fail.
  const fragile = trial
    .addStep('started', async (run) => {
      if (run.attempt > 1) throw new Error('cannot be done twice')
      return 'waiting'
    })
    .addCallback('waiting', async () => 'subscribed')
    .addTimeout('waiting', after('20s'), async () => 'expired')
  const kinds: readonly FaultKind[] = ['handler throws', 'event duplicated', 'read lags']
  const options = { initialValue, payloads, seeds: 50, runs: 4, faults: 6, faultKinds: kinds }
  const failure: unknown = await simulate(fragile, options).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(failure instanceof SimulationFailed)) throw new Error('it must fail')
  expect(failure.invariant).toBe('no run lost')
  expect(failure.message).toContain('To see it again')
  expect(failure.trace.some((line) => line.includes('handler throws'))).toBe(true)
  // Of six faults one or two are enough.
  expect(failure.replay.faults - failure.replay.without.length).toBeLessThanOrEqual(2)
  await expect(simulate(fragile, { ...options, ...failure.replay })).rejects.toMatchObject({ invariant: 'no run lost', seed: failure.seed })
  const { without, ...others } = failure.replay
  const everything = Array.from({ length: others.faults }, (_, id) => id)
  await expect(simulate(fragile, { ...options, ...others, without: everything })).resolves.toMatchObject({ seeds: 1 })
  expect(without.length).toBeGreaterThan(0)
})

test('a handler that waits for real time is told apart from a broken promise', { timeout: 60_000 }, async () => {
  const real = trial
    .addStep('started', async () => {
      await new Promise((resolve) => {
        setTimeout(resolve, 1)
      })
      return 'waiting'
    })
    .addCallback('waiting', async () => 'subscribed')
    .addTimeout('waiting', after('20s'), async () => 'expired')
  const failure = simulate(real, { initialValue, payloads, seeds: 1 })
  await expect(failure).rejects.toBeInstanceOf(CannotFinish)
  await expect(failure).rejects.toThrow(/whose handler has not returned[^]*Real time does not pass in a simulation/)
})

test('a definition whose runs never end is told which runs are where', { timeout: 60_000 }, async () => {
  const circle = workflow('circle', {
    object: unchecked<null>(),
    graph: { here: { step: ['there'] }, there: { callback: ['here', 'over'] }, over: {} },
  })
  const endless = circle.addStep('here', async () => 'there').addCallback('there', async () => 'here')
  await expect(simulate(endless, { initialValue: () => null, seeds: 1 })).rejects.toThrow(
    /^After twelve minutes of virtual time without any fault these have not come to their end: run \d \(.*(here|there)\)/,
  )
})
