import { describe, expect, test } from 'vitest'
import { agoText, countText, counted, durationText, shareText, timeText } from '../../app/data/amount-text.ts'

describe('durationText', () => {
  test.each([
    [0, '0 ms'],
    [0.4, '< 1 ms'],
    [15.2, '15 ms'],
    [1_000, '1 s'],
    [3_240, '3.2 s'],
    [59_900, '59 s'],
    [60_000, '1 min'],
    [61_000, '1 min 1 s'],
    [7_260_000, '2 h 1 min'],
    [100_800_000, '1 d 4 h'],
    [-2_000, '−2 s'],
    [Number.NaN, '–'],
  ])('%d ms is %s', (ms, text) => expect(durationText(ms)).toBe(text))
})

describe('agoText', () => {
  const now = Date.parse('2026-01-01T12:00:00Z')
  test.each([
    ['2026-01-01T11:59:59.500Z', 'now'],
    ['2026-01-01T11:56:10Z', '3 min ago'],
    ['2026-01-01T14:30:00Z', 'in 2 h'],
    ['2025-12-30T12:00:00Z', '2 d ago'],
    ['yesterday', 'yesterday'],
  ])('%s is %s', (iso, text) => expect(agoText(iso, now)).toBe(text))
})

test('times are local, to the second or the millisecond, and what is no time stays as it is', () => {
  const local = new Date(2026, 0, 2, 3, 4, 5, 6).toISOString()
  expect(timeText(local)).toBe('2026-01-02 03:04:05')
  expect(timeText(local, 'ms')).toBe('2026-01-02 03:04:05.006')
  expect(timeText('never')).toBe('never')
})

test('counts have gaps between thousands, and nouns their number', () => {
  expect([7, 1_234, 1_234_567].map(countText)).toEqual(['7', '1\u202f234', '1\u202f234\u202f567'])
  expect([counted(1, 'run'), counted(2_000, 'run')]).toEqual(['1 run', '2\u202f000 runs'])
})

test('shares are exact where they are small, and nothing of nothing', () => {
  expect([shareText(1, 8), shareText(1, 300), shareText(0, 5), shareText(0, 0)]).toEqual(['13 %', '0.3 %', '0 %', '–'])
})
