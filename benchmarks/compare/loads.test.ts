import { expect, test } from 'vitest'
import type { Contender } from './contender.ts'
import { backToBack, burst, dueBy, paced, startOf, type Subject, window } from './loads.ts'
import { Tally } from './tally.ts'

/** Completes every run in a later turn of the event loop, and knows the most that it ever had to do at once. */
function quick(): Subject & { readonly most: () => number } {
  const tally = new Tally()
  let inFlight = 0
  let most = 0
  const contender: Contender = {
    start: async (runs) => {
      inFlight += runs.length
      most = Math.max(most, inFlight)
      for (const n of runs)
        setImmediate(() => {
          inFlight--
          tally.completed(n)
        })
    },
    unfinished: async () => inFlight,
    [Symbol.asyncDispose]: async () => undefined,
  }
  return { contender, tally, most: () => most }
}

/** Accepts nothing. */
function broken(): Subject {
  const { contender, tally } = quick()
  return { tally, contender: { ...contender, start: async () => Promise.reject(new Error('no room')) } }
}

test('a burst hands over everything at once and ends with the last completion', async () => {
  const subject = quick()
  const { runs, wallMs } = await burst(subject, 500)
  expect(runs).toBe(500)
  expect(wallMs).toBeGreaterThan(0)
  expect(subject.most()).toBe(500)
  expect(subject.tally.total).toBe(500)
})

test('a window never has more in flight than its size, and ends with nothing in flight', async () => {
  const subject = quick()
  const { runs, wallMs } = await window(subject, 20, 0.05)
  expect(subject.most()).toBe(20)
  expect(wallMs).toBeGreaterThanOrEqual(50)
  expect(runs).toBeGreaterThan(20)
  expect(subject.tally.total).toBe(subject.tally.runs)
  expect(await subject.contender.unfinished()).toBe(0)
})

test('back to back has one in flight', async () => {
  const subject = quick()
  expect(await backToBack(subject, 30)).toHaveLength(30)
  expect(subject.most()).toBe(1)
})

test('a paced load starts as many as are due, and gives their latencies in ascending order', async () => {
  const subject = quick()
  const latencies = await paced(subject, 2_000, 0.05)
  expect(latencies).toHaveLength(100)
  expect(latencies).toEqual(latencies.toSorted((a, b) => a - b))
  expect(subject.tally.total).toBe(100)
})

test.each([
  ['burst', (subject: Subject) => burst(subject, 10)],
  ['window', (subject: Subject) => window(subject, 10, 1)],
  ['back to back', (subject: Subject) => backToBack(subject, 10)],
  ['paced', (subject: Subject) => paced(subject, 100, 1)],
])('a %s rejects with what the contender says', async (_, load) => {
  await expect(load(broken())).rejects.toThrow('no room')
})

test('the first run is due at once and the others evenly', () => {
  expect(dueBy(0, 50)).toBe(1)
  expect(dueBy(19.9, 50)).toBe(1)
  expect(dueBy(20, 50)).toBe(2)
  expect(dueBy(1_000, 5_000)).toBe(5_001)
})

test('a run that had to wait for the process counts from when it was due, one that waited for a timer does not', () => {
  expect(startOf(100, 101)).toBe(101)
  expect(startOf(100, 102)).toBe(102)
  expect(startOf(100, 103)).toBe(100)
})
