/**
 * Spreads roles evenly over those who want them, within one, each role where it is if that is still fine.
 *
 * Roles that the same members may have are one class. Roles move from the member that has most to the one that has least among
 * those who may have it, as long as the two are more than one apart: so a member that joins is given its share and nothing else
 * moves, and of one that leaves only its own roles move, each once. A move costs a look at the members, not one at all roles.
 */

/** The members that may have a role, the first in rank first, and the one among them that it is with. */
export interface SpreadRole {
  readonly role: string
  readonly members: readonly string[]
  readonly at: string | undefined
}

/** Roles that the same members may have, by the member that they are with. */
interface RoleClass {
  readonly members: readonly string[]
  /** The next to be taken away last. */
  readonly rolesOf: Map<string, string[]>
  /** Roles that are with nobody yet. */
  readonly free: string[]
}

interface Move {
  readonly of: RoleClass
  readonly from: string
  readonly to: string
  readonly gap: number
}

/**
 * The member of each role. A role that nobody wants is left out. Without `mayMove`, roles that are with a member stay there. The
 * same input, in the same order, gives the same answer.
 */
export function spreadRoles(roles: readonly SpreadRole[], mayMove = true): ReadonlyMap<string, string> {
  const load = new Map<string, number>()
  const classes = classesOf(roles, load)
  for (const one of classes) {
    for (const role of one.free) {
      const to = leastLoaded(one.members, load)
      if (to !== undefined) give(one, role, to, load)
    }
  }
  // Each move narrows the gap that it was made for, so this ends.
  for (let move = widest(classes, load); mayMove && move !== undefined; move = widest(classes, load)) {
    const role = move.of.rolesOf.get(move.from)?.pop()
    if (role === undefined) break
    load.set(move.from, (load.get(move.from) ?? 0) - 1)
    give(move.of, role, move.to, load)
  }
  const plan = new Map<string, string>()
  for (const { rolesOf } of classes) for (const [member, all] of rolesOf) for (const role of all) plan.set(role, member)
  return plan
}

/** Counts what is where into `load`. */
function classesOf(roles: readonly SpreadRole[], load: Map<string, number>): readonly RoleClass[] {
  const classes = new Map<string, RoleClass>()
  // Many roles come with the very same array.
  const byArray = new Map<readonly string[], RoleClass>()
  for (const { role, members, at } of roles) {
    let one = byArray.get(members)
    if (one === undefined) {
      const name = members.join('\n')
      one = classes.get(name) ?? { members, rolesOf: new Map(), free: [] }
      classes.set(name, one)
      byArray.set(members, one)
    }
    if (at !== undefined && members.includes(at)) give(one, role, at, load)
    else one.free.push(role)
  }
  // The first are taken first: so those who come to want one role after the other change nothing of what was planned before.
  for (const { rolesOf } of classes.values()) for (const all of rolesOf.values()) all.reverse()
  return [...classes.values()]
}

function give({ rolesOf }: RoleClass, role: string, to: string, load: Map<string, number>): void {
  const roles = rolesOf.get(to)
  if (roles === undefined) rolesOf.set(to, [role])
  else roles.push(role)
  load.set(to, (load.get(to) ?? 0) + 1)
}

/** The first of those with the least: by rank. */
function leastLoaded(members: readonly string[], load: ReadonlyMap<string, number>): string | undefined {
  let best: string | undefined
  for (const member of members) {
    if (best === undefined || (load.get(member) ?? 0) < (load.get(best) ?? 0)) best = member
  }
  return best
}

/** The move between the two members that are farthest apart; undefined where none are more than one apart. */
function widest(classes: readonly RoleClass[], load: ReadonlyMap<string, number>): Move | undefined {
  let best: Move | undefined
  for (const of of classes) {
    const to = leastLoaded(of.members, load)
    if (to === undefined) continue
    for (const [from, roles] of of.rolesOf) {
      const gap = (load.get(from) ?? 0) - (load.get(to) ?? 0)
      if (roles.length > 0 && gap >= 2 && gap > (best?.gap ?? 0)) best = { of, from, to, gap }
    }
  }
  return best
}
