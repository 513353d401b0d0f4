import { expect, test } from 'vitest'
import { createdPerMinute, finishedPerMinute } from '../../app/data/run-rate.ts'

const at = '2026-01-01T12:00:00.000Z'
const heard = { since: '2026-01-01T11:58:00.000Z', completed: [3, 2, 0], cancelled: [0, 1, 0], paused: [7, 7, 7] }

test('runs that finish are completed or cancelled, on average since they are heard of, of all workflows together', () => {
  expect(finishedPerMinute([{ heard }], at)).toBe(3)
  expect(finishedPerMinute([{ heard }, {}, { heard }], at)).toBe(6)
})

test('a moment says nothing', () => {
  expect(finishedPerMinute([{ heard: { ...heard, since: '2026-01-01T11:59:55.000Z' } }, {}], at)).toBeUndefined()
})

test('the rate of new runs is over the minutes that are known', () => {
  expect(createdPerMinute([{ created: [10, 20] }, { created: [3] }, { created: [] }, {}])).toBe(18)
  expect(createdPerMinute([{ created: [] }, {}])).toBeUndefined()
})
