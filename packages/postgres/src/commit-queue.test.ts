import { expect, test } from 'vitest'
import { CommitQueue, keysOf } from './commit-queue.ts'

const item = (name: string, ...keys: string[]): { readonly name: string; readonly keys: readonly string[] } => ({ name, keys })

function readyNames(queue: CommitQueue<ReturnType<typeof item>>): string[] {
  const names: string[] = []
  for (let next = queue.take(); next !== undefined; next = queue.take()) names.push(next.name)
  return names
}

test('two that share a key are never on their way at once, and keep their order', () => {
  const queue = new CommitQueue<ReturnType<typeof item>>()
  const [a1, a2, a3] = [item('a1', 'a'), item('a2', 'a', 'b'), item('a3', 'a')]
  for (const one of [a1, a2, item('c', 'c'), a3]) queue.add(one)
  expect(readyNames(queue)).toEqual(['a1', 'c'])
  queue.done(a1)
  expect(readyNames(queue)).toEqual(['a2'])
  queue.add(item('b', 'b'))
  expect(readyNames(queue)).toEqual([])
  queue.done(a2)
  expect(readyNames(queue)).toEqual(['a3', 'b'])
  queue.done(a3)
  expect([queue.size, queue.ready]).toEqual([2, 0])
})

test('what was answered out of turn leaves nothing behind, and clearing empties it', () => {
  const queue = new CommitQueue<ReturnType<typeof item>>()
  const [a, b] = [item('a', 'k'), item('b', 'k')]
  queue.add(a)
  queue.add(b)
  expect(queue.clear().map(({ name }) => name)).toEqual(['a', 'b'])
  queue.done(a)
  queue.add(item('c', 'k'))
  expect(readyNames(queue)).toEqual(['c'])
})

test('a unit holds the runs and the timers that it touches', () => {
  expect(
    keysOf({
      id: 'u',
      consume: [{ runId: 'r1', stream: 's', through: 1 }],
      timers: [{ hold: 'r2' }, { release: 'r2' }, { cancelOwner: 'r1' }],
    }),
  ).toEqual(['r1', 'r2'])
})
