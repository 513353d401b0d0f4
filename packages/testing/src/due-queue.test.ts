import { expect, test } from 'vitest'
import { type Due, DueQueue } from './due-queue.ts'

/** Park and Miller's generator. */
function numbers(state: number): () => number {
  return () => (state = (state * 48_271) % 2_147_483_647)
}

test('gives what is due first, then what came first, whatever was dropped meanwhile', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const next = numbers(seed)
    const queue = new DueQueue<Due>()
    let known: Due[] = []
    for (let order = 0; order < 300; order++) {
      const item = { due: next() % 40, order, gone: false }
      queue.push(item)
      known.push(item)
      if (next() % 3 === 0) queue.drop(known.splice(next() % known.length, 1)[0] ?? item)
      if (next() % 5 === 0) {
        const first = queue.shift()
        known.sort((one, other) => one.due - other.due || one.order - other.order)
        expect(first).toBe(known.shift())
      }
    }
    known.sort((one, other) => one.due - other.due || one.order - other.order)
    expect(queue.all()).toHaveLength(known.length)
    expect(known.map(() => queue.shift())).toEqual(known)
    expect(queue.shift()).toBeUndefined()
  }
})

test('dropping what was taken changes nothing', () => {
  const queue = new DueQueue<Due>()
  const [one, other] = [
    { due: 1, order: 0, gone: false },
    { due: 2, order: 1, gone: false },
  ]
  queue.push(one)
  queue.push(other)
  queue.shift()
  queue.drop(one)
  expect(queue.peek()).toBe(other)
})
