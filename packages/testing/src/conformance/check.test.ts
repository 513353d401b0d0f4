import { InvalidArgument } from '@workflow/core/adapter'
import { describe, expect, test } from 'vitest'
import { checkEqual, checkRejects } from './check.ts'
import { virtualTime } from './virtual-time.ts'
import { waitingOn } from './waiting.ts'

describe('checkEqual', () => {
  test('compares bytes by content, dates by instant and leaves absent fields out', () => {
    checkEqual({ a: Uint8Array.of(1), b: undefined, c: new Date(5), d: 7n }, { d: 7n, c: new Date(5), a: Buffer.from([1]) }, 'equal')
    checkEqual(
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
      new Map([
        ['b', 2],
        ['a', 1],
      ]),
      'equal',
    )
  })

  test.each([
    [1, 1n],
    ['1', 1],
    [new Date(1), new Date(2)],
    [Uint8Array.of(1), Uint8Array.of(2)],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: null }, {}],
    [0.1, 0.2],
  ])('tells %s from %s', (actual, expected) => {
    expect(() => checkEqual(actual, expected, 'a promise')).toThrow(/^a promise: expected .*, got /)
  })

  test('shows where long values begin to differ', () => {
    expect(() => checkEqual(`${'x'.repeat(5_000)}A`, `${'x'.repeat(5_000)}B`, 'a promise')).toThrow(/xB".*xA"/)
  })
})

describe('checkRejects', () => {
  test('wants the error of the code, not an answer and no other error', async () => {
    await checkRejects(Promise.reject(new InvalidArgument('no')), 'InvalidArgument', 'a promise')
    await expect(checkRejects(Promise.resolve(1), 'InvalidArgument', 'a promise')).rejects.toThrow(
      'a promise: expected InvalidArgument, but it answered 1',
    )
    await expect(checkRejects(Promise.reject(new Error('other')), 'InvalidArgument', 'a promise')).rejects.toThrow(
      'a promise: expected InvalidArgument, got the error',
    )
  })
})

describe('waiting', () => {
  test('ends in virtual time when nothing comes', async () => {
    const { within, eventually } = waitingOn(virtualTime({ patienceMs: 50 }))
    await expect(within(new Promise(() => undefined), 'a promise')).rejects.toThrow('a promise: no answer within 50 ms')
    await expect(eventually(() => false, 'a promise')).rejects.toThrow('a promise: not within 50 ms')
    await expect(eventually(() => 'there', 'a promise')).resolves.toBe('there')
  })
})
