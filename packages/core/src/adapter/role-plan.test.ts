import { describe, expect, test } from 'vitest'
import { planRoles, type RoleDemand } from './role-plan.ts'

const roles = Array.from({ length: 12 }, (_, i) => `orders/${String(i).padStart(2, '0')}`)
const everybody = (names: readonly string[], holders: Readonly<Record<string, string>> = {}): RoleDemand[] =>
  roles.map((role) => {
    const holder = holders[role]
    return {
      role,
      holder: holder === undefined ? undefined : { instance: holder, generation: 0 },
      candidates: names.filter((name) => name !== holder).map((instance) => ({ instance, generation: 0 })),
    }
  })
const counts = (plan: ReadonlyMap<string, string>): Record<string, number> => {
  const result: Record<string, number> = {}
  for (const instance of plan.values()) result[instance] = (result[instance] ?? 0) + 1
  return result
}

describe('planRoles', () => {
  test('spreads free roles evenly over those who wait for them', () => {
    expect(counts(planRoles(everybody(['a', 'b', 'c'])))).toEqual({ a: 4, b: 4, c: 4 })
    expect(counts(planRoles(everybody(['a', 'b', 'c', 'd', 'e'])))).toEqual({ a: 3, b: 3, c: 2, d: 2, e: 2 })
  })

  test('moves no more than the share of an instance that joins', () => {
    const holders = Object.fromEntries(roles.map((role, i) => [role, i < 6 ? 'a' : 'b']))
    const plan = planRoles(everybody(['a', 'b', 'c'], holders))
    expect(counts(plan)).toEqual({ a: 4, b: 4, c: 4 })
    expect(roles.filter((role) => plan.get(role) === holders[role])).toHaveLength(8)
  })

  test('takes the same roles away when an instance comes to want more of them', () => {
    const holders = Object.fromEntries(roles.map((role) => [role, 'a']))
    let taken: readonly string[] = []
    for (let wanted = 1; wanted <= roles.length; wanted++) {
      const demands = everybody(['a', 'b'], holders).map((demand, i) => (i < wanted ? demand : { ...demand, candidates: [] }))
      const plan = planRoles(demands)
      const now = roles.filter((role) => plan.get(role) === 'b')
      expect(now.slice(0, taken.length)).toEqual(taken)
      taken = now
    }
    expect(taken).toHaveLength(6)
  })

  test('leaves an even spread alone, however it came about', () => {
    const holders = Object.fromEntries(roles.map((role, i) => [role, i % 2 === 0 ? 'a' : 'b']))
    expect(Object.fromEntries(planRoles(everybody(['a', 'b'], holders)))).toEqual(holders)
  })

  test('gives a role to newer code, even if that has more', () => {
    const demand: RoleDemand = { role: 'r', holder: { instance: 'old', generation: 1 }, candidates: [{ instance: 'new', generation: 2 }] }
    expect(planRoles([demand]).get('r')).toBe('new')
    expect(planRoles([{ ...demand, candidates: [{ instance: 'new', generation: 1 }] }]).get('r')).toBe('old')
  })

  test('gives a role to nobody who does not want it', () => {
    expect(planRoles([{ role: 'r', holder: undefined, candidates: [] }]).size).toBe(0)
    const own = roles.map((role): RoleDemand => ({ role, holder: { instance: 'a', generation: 0 }, candidates: [] }))
    expect(counts(planRoles([...own, { role: 'x', holder: undefined, candidates: [{ instance: 'b', generation: 0 }] }]))).toEqual({
      a: 12,
      b: 1,
    })
  })

  test('plans ten thousand roles for three instances in milliseconds', () => {
    const many = Array.from(
      { length: 10_000 },
      (_, i): RoleDemand => ({
        role: String(i),
        holder: { instance: 'a', generation: 0 },
        candidates: ['b', 'c'].map((instance) => ({ instance, generation: 0 })),
      }),
    )
    const start = performance.now()
    expect(counts(planRoles(many))).toEqual({ a: 3_334, b: 3_333, c: 3_333 })
    expect(performance.now() - start).toBeLessThan(1_000)
  })
})
