import { expect, test } from 'vitest'
import { ManualClock } from '../../test/manual-clock.ts'
import { noteFailure, StoreLimit } from './store-limit.ts'

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })

test('each call has its own time, and one timer serves all', async () => {
  const clock = new ManualClock()
  const limit = new StoreLimit(clock, 10_000)
  const ends: string[] = []
  const call = (name: string): void =>
    void limit.run(untilAborted).catch((error: unknown) => ends.push(`${name} ${(error as Error).name} ${clock.now()}`))
  call('first')
  await clock.advance(4_000)
  call('second')
  expect(clock.pending).toBe(1)
  await clock.advance(6_000)
  await clock.advance(4_000)
  expect(ends).toEqual(['first StoreUnavailable 10000', 'second StoreUnavailable 14000'])
  expect(clock.pending).toBe(0)
})

test('a call that ends leaves no timer behind', async () => {
  const clock = new ManualClock()
  expect(await new StoreLimit(clock, 1_000).run(async () => 7)).toBe(7)
  expect(clock.pending).toBe(0)
})

test('whoever waited in vain is told why the store was asked again and again', async () => {
  const clock = new ManualClock()
  const full = new Error('the disk is full')
  const failed = new StoreLimit(clock, 1_000)
    .run((signal) => {
      noteFailure(signal, full)
      return new Promise<never>(() => undefined)
    })
    .catch((error: unknown) => error as Error)
  await clock.advance(1_000)
  const error = (await failed) as Error
  expect([error.name, error.cause]).toEqual(['StoreUnavailable', full])
  expect(error.message).toContain('the disk is full')
})

test('a call that throws before it has a promise leaves no timer behind, either', async () => {
  const clock = new ManualClock()
  const broken = new StoreLimit(clock, 1_000).run(() => {
    throw new Error('at once')
  })
  await expect(broken).rejects.toThrow('at once')
  expect(clock.pending).toBe(0)
})
