import { describe, expect, test } from 'vitest'
import { Fifo } from './fifo.ts'

describe('Fifo', () => {
  test('gives back what it was given, in order', () => {
    const fifo = new Fifo<number>()
    const out: (number | undefined)[] = []
    let next = 0
    for (let round = 0; round < 2_000; round++) {
      for (let i = 0; i < round % 7; i++) fifo.push(next++)
      expect(fifo.peek()).toBe(fifo.length === 0 ? undefined : out.length)
      for (let i = 0; i < round % 5; i++) if (fifo.length > 0) out.push(fifo.shift())
    }
    while (fifo.length > 0) out.push(fifo.shift())
    expect(out).toEqual(Array.from({ length: next }, (_, index) => index))
  })

  test('answers undefined when it is empty, also after it was full', () => {
    const fifo = new Fifo<number>()
    expect(fifo.shift()).toBeUndefined()
    for (let i = 0; i < 512; i++) fifo.push(i)
    for (let i = 0; i < 512; i++) fifo.shift()
    expect(fifo.shift()).toBeUndefined()
    expect(fifo.peek()).toBeUndefined()
    fifo.push(1)
    expect(fifo.peek()).toBe(1)
    expect(fifo.length).toBe(1)
  })
})
