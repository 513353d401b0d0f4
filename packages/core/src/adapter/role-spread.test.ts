import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { spreadRoles, type SpreadRole } from './role-spread.ts'

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `m${String(index).padStart(3, '0')}`)
const rolesOf = (count: number): readonly string[] => Array.from({ length: count }, (_, slot) => `orders/${slot}`)

/** All members want all roles. */
function wanted(roles: readonly string[], members: readonly string[], at: ReadonlyMap<string, string> = new Map()): readonly SpreadRole[] {
  return roles.map((role) => ({ role, members, at: at.get(role) }))
}

function countsOf(plan: ReadonlyMap<string, string>, members: readonly string[]): readonly number[] {
  const counts = new Map(members.map((member) => [member, 0]))
  for (const member of plan.values()) counts.set(member, (counts.get(member) ?? 0) + 1)
  return [...counts.values()].sort((a, b) => a - b)
}

function movesOf(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): readonly string[] {
  return [...after].filter(([role, member]) => before.get(role) !== undefined && before.get(role) !== member).map(([role]) => role)
}

describe('from 1 to 100 members', { timeout: 30_000 }, () => {
  const table = Array.from({ length: 100 }, (_, index) => index + 1)
  const count = 1_024
  const roles = rolesOf(count)

  test.each(table)('with %i members every role is with one, and nobody has two more than another', (size) => {
    const members = names(size)
    const counts = countsOf(spreadRoles(wanted(roles, members)), members)
    expect(counts.reduce((sum, one) => sum + one, 0)).toBe(count)
    expect((counts.at(-1) ?? 0) - (counts[0] ?? 0)).toBeLessThanOrEqual(1)
  })

  test.each(table)('a member that joins %i others is given its share, and nothing else moves', (size) => {
    const [members, more] = [names(size), names(size + 1)]
    const before = spreadRoles(wanted(roles, members))
    const after = spreadRoles(wanted(roles, more, before))
    const moves = movesOf(before, after)
    expect(moves).toHaveLength(Math.floor(count / (size + 1)))
    expect(new Set(moves.map((role) => after.get(role)))).toEqual(new Set(moves.length === 0 ? [] : [more.at(-1)]))
    const counts = countsOf(after, more)
    expect((counts.at(-1) ?? 0) - (counts[0] ?? 0)).toBeLessThanOrEqual(1)
  })

  test.each(table)('of %i members and one that leaves, its roles move and no other', (size) => {
    const [members, more] = [names(size), names(size + 1)]
    const before = spreadRoles(wanted(roles, more))
    const after = spreadRoles(wanted(roles, members, before))
    expect(movesOf(before, after).every((role) => before.get(role) === more.at(-1))).toBe(true)
    const counts = countsOf(after, members)
    expect((counts.at(-1) ?? 0) - (counts[0] ?? 0)).toBeLessThanOrEqual(1)
  })

  test('a plan of a plan is the same plan', () => {
    for (const size of [1, 2, 7, 33, 100]) {
      const plan = spreadRoles(wanted(roles, names(size)))
      expect(spreadRoles(wanted(roles, names(size), plan))).toEqual(plan)
    }
  })
})

test('ten thousand roles on a hundred members are planned in a moment, also when nearly all of them move', { timeout: 30_000 }, () => {
  const [roles, members] = [rolesOf(10_000), names(100)]
  const before = spreadRoles(wanted(roles, members.slice(0, 1)))
  const start = performance.now()
  const after = spreadRoles(wanted(roles, members, before))
  // Some 50 ms on an idle machine: an algorithm that looked at all roles for each move would take minutes.
  expect(performance.now() - start).toBeLessThan(3_000)
  expect(countsOf(after, members)).toEqual(members.map(() => 100))
  expect(movesOf(before, after)).toHaveLength(9_900)
})

describe('whoever wants what', { timeout: 30_000 }, () => {
  const member = fc.integer({ min: 0, max: 5 }).map((index) => `m${index}`)
  const demand = fc.record({ members: fc.uniqueArray(member, { maxLength: 6 }), at: fc.option(member, { nil: undefined }) })
  const demands = fc.array(demand, { maxLength: 40 }).map((all) => all.map((one, slot): SpreadRole => ({ role: `orders/${slot}`, ...one })))

  test('a role is with one who wants it, and nobody who wants it has two less than its member', () => {
    fc.assert(
      fc.property(demands, (all) => {
        const plan = spreadRoles(all)
        const load = new Map<string, number>()
        for (const one of plan.values()) load.set(one, (load.get(one) ?? 0) + 1)
        for (const { role, members } of all) {
          const at = plan.get(role)
          expect(at === undefined).toBe(members.length === 0)
          if (at === undefined) continue
          expect(members).toContain(at)
          for (const other of members) expect((load.get(at) ?? 0) - (load.get(other) ?? 0)).toBeLessThanOrEqual(1)
        }
      }),
    )
  })

  test('what is spread already stays', () => {
    fc.assert(
      fc.property(demands, (all) => {
        const plan = spreadRoles(all)
        const again = all.map((one): SpreadRole => ({ ...one, at: plan.get(one.role) }))
        expect(spreadRoles(again)).toEqual(plan)
      }),
    )
  })
})
