import { expect, test } from 'vitest'
import { Plans } from './plans.ts'
import { writeRoles } from './role-text.ts'

const text = (...roles: readonly string[]): string => writeRoles(new Map(roles.map((role) => [role, 0])))[0] ?? '[]'

test('a role is with the member whose plan was written last, in whatever order plans are read', () => {
  const plans = new Plans()
  plans.put('b', 0, text('orders/1'), 8n)
  // The role is on its way from a to b, and the plan of a was not written yet.
  plans.put('a', 0, text('orders/0', 'orders/1'), 5n)
  expect([plans.memberOf('orders/0'), plans.memberOf('orders/1')]).toEqual(['a', 'b'])
  plans.put('a', 0, text('orders/0'), 9n)
  expect([plans.has('a', 'orders/0'), plans.has('a', 'orders/1'), plans.has('b', 'orders/1')]).toEqual([true, false, true])
  expect([plans.memberOf('orders/1'), [...plans.rolesOf('a')], [...plans.rolesOf('b')]]).toEqual(['b', ['orders/0'], ['orders/1']])
})

test('what one plan has no longer is with whoever has it still', () => {
  const plans = new Plans()
  plans.put('a', 0, text('orders/0'), 5n)
  plans.put('b', 0, text('orders/0'), 6n)
  plans.put('b', 1, text('orders/0', 'orders/1'), 7n)
  plans.delete('b', 1)
  expect([plans.memberOf('orders/0'), plans.memberOf('orders/1')]).toEqual(['b', undefined])
  plans.delete('b', 0)
  expect([plans.memberOf('orders/0'), plans.textsOf('b').size]).toEqual(['a', 0])
  plans.put('a', 0, 'not a plan', 8n)
  expect([plans.memberOf('orders/0'), plans.textsOf('a').get(0)]).toEqual([undefined, 'not a plan'])
})
