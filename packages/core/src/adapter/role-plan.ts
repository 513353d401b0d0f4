/**
 * Who should have which role. A pure function of what is stored, so that all instances come to the same answer: a role
 * stays where it is unless newer code waits for it, or its holder has at least two more than somebody who waits for it.
 */

import { spreadRoles } from './role-spread.ts'

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
  return spreadRoles(
    demands.map((demand) => {
      const members = newest(demand)
      const at = demand.holder?.instance
      return { role: demand.role, members, at: at !== undefined && members.includes(at) ? at : undefined }
    }),
  )
}

/** Those of the highest generation: newer code takes over. */
function newest({ holder, candidates }: RoleDemand): readonly string[] {
  const all = holder === undefined ? candidates : [holder, ...candidates]
  const generation = all.reduce((highest, one) => Math.max(highest, one.generation), 0)
  return [...new Set(all.filter((one) => one.generation === generation).map((one) => one.instance))].sort()
}
