/**
 * Sets of roles as short texts. Roles are mostly `<workflow>/<slot>`, with the same slots in every workflow: those are written
 * as runs of numbers, so that ten thousand of them take some bytes instead of some hundred thousand.
 */

/** Wanted roles with the generation of the code that wants them. */
export type Generations = ReadonlyMap<string, number>

interface Written {
  /** What is before the number, and the numbers: `0-99,101`. */
  readonly numbered?: Readonly<Record<string, string>>
  readonly named?: readonly string[]
}

/** How much of role names goes into one text at most, in characters: etcd takes 1.5 MiB at once. */
const textMax = 100_000
/** How many roles that are at most, numbers in runs included. */
const rolesMax = 20_000
const numbered = /^(.*\/)(0|[1-9][0-9]{0,8})$/s

/** A role with what its name consists of, where it ends with a number. */
interface Part {
  readonly role: string
  readonly generation: number
  readonly before: string | undefined
  readonly number: number
}

/** One or more texts that together stand for these roles. */
export function writeRoles(roles: Generations): readonly string[] {
  const texts: string[] = []
  let [parts, length]: [Part[], number] = [[], 0]
  for (const [role, generation] of [...roles].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (length > textMax) {
      texts.push(writeParts(parts))
      ;[parts, length] = [[], 0]
    }
    const [, before, number] = numbered.exec(role) ?? []
    parts.push({ role, generation, before, number: Number(number) })
    // A number in a run takes nearly nothing.
    length += before === undefined ? role.length : 10
  }
  if (parts.length > 0) texts.push(writeParts(parts))
  return texts
}

function writeParts(parts: readonly Part[]): string {
  const byGeneration = new Map<number, { numbers: Map<string, number[]>; named: string[] }>()
  for (const { role, generation, before, number } of parts) {
    const group = byGeneration.get(generation) ?? { numbers: new Map<string, number[]>(), named: [] }
    byGeneration.set(generation, group)
    if (before === undefined) {
      group.named.push(role)
      continue
    }
    const numbers = group.numbers.get(before)
    if (numbers === undefined) group.numbers.set(before, [number])
    else numbers.push(number)
  }
  const written = [...byGeneration].map(([generation, { numbers, named }]): readonly [number, Written] => [
    generation,
    {
      ...(numbers.size === 0 ? {} : { numbered: Object.fromEntries([...numbers].map(([before, all]) => [before, runsOf(all)])) }),
      ...(named.length === 0 ? {} : { named }),
    },
  ])
  return JSON.stringify(written)
}

function runsOf(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b)
  const runs: string[] = []
  for (let start = 0; start < sorted.length; ) {
    let end = start
    while (sorted[end + 1] === (sorted[end] ?? 0) + 1) end++
    runs.push(start === end ? `${sorted[start]}` : `${sorted[start]}-${sorted[end]}`)
    start = end + 1
  }
  return runs.join(',')
}

/** The roles that a text of `writeRoles` stands for; none for a text that is of something else. */
export function readRoles(text: string): Generations {
  const roles = new Map<string, number>()
  try {
    for (const [generation, written] of readGroups(text)) {
      for (const role of written.named ?? []) roles.set(role, generation)
      for (const [before, runs] of Object.entries(written.numbered ?? {})) {
        for (const [first, last] of readRuns(runs)) {
          if (roles.size + last - first > rolesMax) return new Map()
          for (let number = first; number <= last; number++) roles.set(`${before}${number}`, generation)
        }
      }
    }
  } catch {
    return new Map()
  }
  return roles
}

/** Throws where it is of something else. */
function readGroups(text: string): readonly (readonly [number, Written])[] {
  const groups: unknown = JSON.parse(text)
  if (!Array.isArray(groups)) throw new TypeError('not a list')
  return groups.map((group: unknown) => {
    const [generation, written]: readonly unknown[] = Array.isArray(group) ? group : []
    if (typeof generation !== 'number' || typeof written !== 'object' || written === null) throw new TypeError('not a group')
    const { numbered: runs = {}, named = [] } = written as { readonly numbered?: unknown; readonly named?: unknown }
    if (typeof runs !== 'object' || runs === null || !Array.isArray(named)) throw new TypeError('not a group')
    if (![...named, ...Object.values(runs)].every((one) => typeof one === 'string')) throw new TypeError('not a group')
    // By the lines above.
    return [generation, { numbered: runs as Readonly<Record<string, string>>, named: named as readonly string[] }]
  })
}

/** The first and the last number of each run. */
function readRuns(runs: string): readonly (readonly [number, number])[] {
  return runs.split(',').map((run) => {
    const [, first = '', last = first] = /^([0-9]{1,9})(?:-([0-9]{1,9}))?$/.exec(run) ?? []
    if (first === '') throw new TypeError('not a run')
    return [Number(first), Number(last)]
  })
}
