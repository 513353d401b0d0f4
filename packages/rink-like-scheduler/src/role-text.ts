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
const numbered = /^(.*\/)(0|[1-9][0-9]{0,8})$/s

/** One or more texts that together stand for these roles. */
export function writeRoles(roles: Generations): readonly string[] {
  const sorted = [...roles].sort(([a], [b]) => (a < b ? -1 : 1))
  const texts: string[] = []
  let [part, length]: [[string, number][], number] = [[], 0]
  for (const entry of sorted) {
    if (length > textMax) {
      texts.push(writePart(part))
      ;[part, length] = [[], 0]
    }
    part.push(entry)
    // A number in a run takes nearly nothing.
    length += numbered.test(entry[0]) ? 10 : entry[0].length
  }
  if (part.length > 0) texts.push(writePart(part))
  return texts
}

function writePart(roles: readonly (readonly [string, number])[]): string {
  const byGeneration = new Map<number, { numbers: Map<string, number[]>; named: string[] }>()
  for (const [role, generation] of roles) {
    const group = byGeneration.get(generation) ?? { numbers: new Map<string, number[]>(), named: [] }
    byGeneration.set(generation, group)
    const [, before, number] = numbered.exec(role) ?? []
    if (before === undefined) {
      group.named.push(role)
      continue
    }
    const numbers = group.numbers.get(before)
    if (numbers === undefined) group.numbers.set(before, [Number(number)])
    else numbers.push(Number(number))
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

/** The roles that a text of `writeRoles` stands for. */
export function readRoles(text: string): Generations {
  // Written by `writePart`.
  const written = JSON.parse(text) as readonly (readonly [number, Written])[]
  const roles = new Map<string, number>()
  for (const [generation, { numbered: runs = {}, named = [] }] of written) {
    for (const role of named) roles.set(role, generation)
    for (const [before, numbers] of Object.entries(runs)) {
      for (const run of numbers.split(',')) {
        const [first = '', last = first] = run.split('-')
        for (let number = Number(first); number <= Number(last); number++) roles.set(`${before}${number}`, generation)
      }
    }
  }
  return roles
}
