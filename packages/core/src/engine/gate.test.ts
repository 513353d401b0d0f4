import { expect, test } from 'vitest'
import { Gate } from './gate.ts'

test('lets so many in at once, the others in the order of their coming', async () => {
  const gate = new Gate(2)
  const entered: number[] = []
  const all = [1, 2, 3, 4].map(async (n) => {
    await gate.enter()
    entered.push(n)
  })
  await Promise.resolve()
  expect([entered, gate.running, gate.waiting]).toEqual([[1, 2], 2, 2])
  gate.leave()
  await all[2]
  expect([entered, gate.running, gate.waiting]).toEqual([[1, 2, 3], 2, 1])
  gate.leave()
  gate.leave()
  await Promise.all(all)
  gate.leave()
  expect([entered, gate.running, gate.waiting]).toEqual([[1, 2, 3, 4], 0, 0])
})

test('nobody overtakes those that wait', () => {
  const gate = new Gate(1)
  expect(gate.tryEnter()).toBe(true)
  gate.queue(() => undefined)
  gate.leave()
  expect(gate.tryEnter()).toBe(false)
})

test('tells once when few enough wait, also after thousands', () => {
  const gate = new Gate(1)
  let drained = 0
  gate.drainedAt = 10
  gate.onDrained = () => {
    drained += 1
  }
  gate.tryEnter()
  let turns = 0
  for (let i = 0; i < 5_000; i++)
    gate.queue(() => {
      turns += 1
    })
  for (let i = 0; i < 4_989; i++) gate.leave()
  expect([turns, drained, gate.waiting]).toEqual([4_989, 0, 11])
  gate.leave()
  expect([drained, gate.waiting]).toEqual([1, 10])
})
