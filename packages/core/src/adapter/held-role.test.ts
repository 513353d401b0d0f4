import { expect, test } from 'vitest'
import { HeldRole } from './held-role.ts'

const fence = { role: 'orders/0', domain: 'd', token: 1n }

test('a role is valid while its scheduler holds it and nobody has said that it is lost', () => {
  let held = true
  const role = new HeldRole(
    fence,
    false,
    () => held,
    () => Promise.resolve(),
  )
  expect([role.isValid(), role.signal.aborted, role.yield.aborted]).toEqual([true, false, false])
  held = false
  expect(role.isValid()).toBe(false)
  held = true
  role.askToYield()
  expect([role.isValid(), role.yield.aborted]).toEqual([true, true])
  role.lose(new Error('gone'))
  expect([role.isValid(), role.signal.reason]).toEqual([false, new Error('gone')])
})

test('it is given back once, however often it is released', async () => {
  let given = 0
  const role = new HeldRole(
    fence,
    true,
    () => true,
    async () => {
      given += 1
    },
  )
  await Promise.all([role.release(), role.release(), role[Symbol.asyncDispose]()])
  expect([given, role.unclean]).toEqual([1, true])
})
