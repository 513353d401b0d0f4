/** The plan that the member of the lowest rank makes for all: a pure function of what is in etcd. */
import { spreadRoles, type SpreadRole } from '@workflow/core/adapter'
import type { Generations } from './role-text.ts'
import { readParts, type View } from './view.ts'

/**
 * The roles that each living member should have; a member that should have none has an empty set.
 *
 * @param mayMove Whether roles may move for the sake of balance. Else only those are given that are with nobody who may have them.
 */
export function planOf(view: View, mayMove: boolean): ReadonlyMap<string, ReadonlySet<string>> {
  const plan = new Map<string, Set<string>>()
  for (const id of view.members.keys()) plan.set(id, new Set())
  for (const [role, id] of spreadRoles(demandsOf(view), mayMove)) plan.get(id)?.add(role)
  return plan
}

/** Members that want the same, by rank. */
interface Group {
  readonly ids: string[]
  readonly wants: Generations
}

function demandsOf(view: View): readonly SpreadRole[] {
  const groups = groupsOf(view)
  const wanting = new Map<string, number[]>()
  groups.forEach(({ wants }, index) => {
    for (const role of wants.keys()) {
      const indexes = wanting.get(role)
      if (indexes === undefined) wanting.set(role, [index])
      else indexes.push(index)
    }
  })
  const ranked = [...view.members.values()].sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ id }) => id)
  const unions = new Map<string, readonly string[]>()
  const roles: SpreadRole[] = []
  for (const [role, indexes] of wanting) {
    const newest = indexes.length === 1 ? indexes : newestOf(role, indexes, groups)
    const name = newest.join()
    const members = unions.get(name) ?? unionOf(newest, groups, ranked)
    unions.set(name, members)
    // Where it is meant to be counts, not where it is: it may be on its way.
    const planned = view.plans.memberOf(role)
    const at = planned !== undefined && members.includes(planned) ? planned : view.roles.get(role)?.entry?.id
    roles.push({ role, members, at })
  }
  return roles
}

function groupsOf({ members, wants }: View): readonly Group[] {
  const texts = new Map<string, Generations>()
  const groups = new Map<Generations, Group>()
  for (const id of members.keys()) {
    const parts = wants.get(id)
    if (parts === undefined) continue
    const wanted = readParts(parts, texts)
    const group = groups.get(wanted)
    if (group === undefined) groups.set(wanted, { ids: [id], wants: wanted })
    else group.ids.push(id)
  }
  return [...groups.values()]
}

/** Of the groups that want a role, those with the newest code. */
function newestOf(role: string, indexes: readonly number[], groups: readonly Group[]): readonly number[] {
  const generationOf = (index: number): number => groups[index]?.wants.get(role) ?? 0
  const newest = indexes.reduce((highest, index) => Math.max(highest, generationOf(index)), 0)
  return indexes.filter((index) => generationOf(index) === newest)
}

function unionOf(indexes: readonly number[], groups: readonly Group[], ranked: readonly string[]): readonly string[] {
  const all = new Set(indexes.flatMap((index) => groups[index]?.ids ?? []))
  return ranked.filter((id) => all.has(id))
}
