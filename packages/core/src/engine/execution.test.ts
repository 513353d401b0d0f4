import { expect, test } from 'vitest'
import { ManualClock, turn } from '../../test/manual-clock.ts'
import { type Execution, Executions } from './execution.ts'

const outcome = <T>(execution: Execution, handler: () => Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => execution.run(handler, undefined, resolve, reject))

const hang = (): Promise<never> => new Promise(() => undefined)

test('each handler is given up at its own deadline, by one timer that is gone when all are over', async () => {
  const clock = new ManualClock()
  const executions = new Executions(clock)
  const ends: string[] = []
  for (const [name, deadlineMs] of [
    ['late', 5_000],
    ['early', 1_000],
    ['never', Infinity],
  ] as const) {
    const execution = executions.start(0, deadlineMs)
    outcome(execution, hang).catch((error: unknown) => {
      ends.push(`${name} ${(error as Error).name}`)
      executions.end(execution)
    })
  }
  await turn()
  await clock.advance(999)
  expect([ends, clock.pending]).toEqual([[], 1])
  await clock.advance(1)
  expect(ends).toEqual(['early DeadlineExceeded'])
  await clock.advance(4_000)
  expect(ends).toEqual(['early DeadlineExceeded', 'late DeadlineExceeded'])
  executions.abort(new Error('stop'))
  await turn()
  expect([ends.at(-1), executions.size, clock.pending]).toEqual(['never Error', 0, 0])
})

test('what a handler does after it was given up does not count, and its signal is aborted even if it asks late', async () => {
  const executions = new Executions(new ManualClock())
  const execution = executions.start(3, Infinity)
  const late = Promise.withResolvers<string>()
  const result = outcome(execution, () => late.promise)
  executions.abort(new Error('another slot'), 4)
  expect(execution.over).toBe(false)
  executions.abort(new Error('gone'), 3)
  late.resolve('too late')
  await expect(result).rejects.toThrow('gone')
  expect(execution.signal.reason).toEqual(new Error('gone'))
})

test('a handler that throws before it returns, or returns no promise, is like any other', async () => {
  const executions = new Executions(new ManualClock())
  await expect(
    outcome(executions.start(0, Infinity), () => {
      throw new Error('at once')
    }),
  ).rejects.toThrow('at once')
  expect(await outcome(executions.start(0, Infinity), (() => 7) as never)).toBe(7)
})
