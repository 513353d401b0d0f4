/**
 * Who should have which role. A pure function of what is stored, so that all instances come to the same answer: a role
 * stays where it is unless newer code waits for it, or its holder has at least two more than somebody who waits for it.
 */

/** Somebody who holds a role or waits for it. */
export interface Participant {
  readonly instance: string
  readonly generation: number
}

/** A role with those who live and want it. The holder is none of the candidates. */
export interface RoleDemand {
  readonly role: string
  readonly holder: Participant | undefined
  readonly candidates: readonly Participant[]
}

/** The instance of each role; roles that nobody wants are left out. */
export function planRoles(demands: readonly RoleDemand[]): ReadonlyMap<string, string> {
  const load = new Map<string, number>()
  const plan = new Map<string, string>()
  const give = (role: string, to: string): void => {
    const from = plan.get(role)
    if (from !== undefined) load.set(from, (load.get(from) ?? 0) - 1)
    plan.set(role, to)
    load.set(to, (load.get(to) ?? 0) + 1)
  }
  const eligible = demands.map((demand) => ({ ...demand, instances: newest(demand) }))
  for (const { role, holder, instances } of eligible) {
    if (holder !== undefined && instances.includes(holder.instance)) give(role, holder.instance)
  }
  for (const { role, instances } of eligible) {
    const to = leastLoaded(instances, load)
    if (!plan.has(role) && to !== undefined) give(role, to)
  }
  // The widest gaps first: so the most loaded give, and nobody is both given and taken from.
  for (let gap = Infinity; gap >= 2; ) {
    let widest = 0
    for (const { role, instances } of eligible) {
      const from = plan.get(role)
      const to = leastLoaded(instances, load)
      if (from === undefined || to === undefined) continue
      const difference = (load.get(from) ?? 0) - (load.get(to) ?? 0)
      if (difference >= Math.max(2, gap)) give(role, to)
      else widest = Math.max(widest, difference)
    }
    gap = Math.min(gap - 1, widest)
  }
  return plan
}

/** Those of the highest generation: newer code takes over. */
function newest({ holder, candidates }: RoleDemand): readonly string[] {
  const all = holder === undefined ? candidates : [holder, ...candidates]
  const generation = all.reduce((highest, one) => Math.max(highest, one.generation), 0)
  return [...new Set(all.filter((one) => one.generation === generation).map((one) => one.instance))].sort()
}

function leastLoaded(instances: readonly string[], load: ReadonlyMap<string, number>): string | undefined {
  let best: string | undefined
  for (const instance of instances) {
    if (best === undefined || (load.get(instance) ?? 0) < (load.get(best) ?? 0)) best = instance
  }
  return best
}
