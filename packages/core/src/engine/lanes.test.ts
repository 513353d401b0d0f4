import { expect, test } from 'vitest'
import { Lanes, type LaneTask } from './lanes.ts'

interface Task extends LaneTask {
  readonly n: number
}

function lanes(): { readonly lanes: Lanes<Task>; readonly began: string[]; readonly ends: Map<string, () => void> } {
  const began: string[] = []
  const ends = new Map<string, () => void>()
  return {
    began,
    ends,
    lanes: new Lanes<Task>(
      10,
      (task) =>
        new Promise((resolve) => {
          began.push(`${task.lane}${task.n}`)
          ends.set(`${task.lane}${task.n}`, resolve)
        }),
    ),
  }
}

test('a lane is strictly in order, lanes run side by side', async () => {
  const { lanes: window, began, ends } = lanes()
  for (const [lane, n] of [
    ['a', 1],
    ['a', 2],
    ['b', 1],
    ['a', 3],
  ] as const)
    window.offer({ lane, slot: 0, n })
  expect([began, window.size]).toEqual([['a1', 'b1'], 4])
  ends.get('a1')?.()
  await Promise.resolve().then(() => undefined)
  await new Promise(setImmediate)
  expect([began, window.size]).toEqual([['a1', 'b1', 'a2'], 3])
  ends.get('b1')?.()
  ends.get('a2')?.()
  await new Promise(setImmediate)
  ends.get('a3')?.()
  await window.idle()
  expect([window.size, window.lane('a'), window.lane('b')]).toEqual([0, undefined, undefined])
})

test('dropping a slot forgets what waits there, says so to each, and lets what is in hand end', async () => {
  const { lanes: window, began, ends } = lanes()
  const ended: number[] = []
  for (const n of [1, 2, 3]) window.offer({ lane: 'a', slot: 1, n, end: () => ended.push(n) })
  window.offer({ lane: 'b', slot: 2, n: 1 })
  window.drop(1)
  expect([ended, window.size, began]).toEqual([[2, 3], 2, ['a1', 'b1']])
  let idle = false
  const waiting = window.idle(1).then(() => {
    idle = true
  })
  await new Promise(setImmediate)
  expect(idle).toBe(false)
  ends.get('a1')?.()
  await waiting
  expect([ended, window.size]).toEqual([[2, 3, 1], 1])
})
