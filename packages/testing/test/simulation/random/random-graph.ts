/** Random processes: a chain that always leads to an end, with branches, loops, callbacks, timeouts and joins on the way. */
import type { Dice } from '../../../src/simulation/dice.ts'

export type RandomExits = { [Kind in 'step' | 'callback' | 'timeout' | 'join']?: string[] }

/** How the processes of one status behave. */
export interface StatusPlan {
  readonly name: string
  readonly index: number
  readonly exits: RandomExits
  /** How long after the entry each timeout of the status fires, by name; undefined: never. */
  readonly timeoutsMs: ReadonlyMap<string, number | undefined>
  /** Whether its timers are computed by a function. */
  readonly computed: boolean
  /** Whether its step may carry rows. */
  readonly rows: boolean
  readonly options: { readonly [option: string]: unknown }
}

export interface RandomGraph {
  readonly statuses: readonly StatusPlan[]
  readonly terminals: readonly string[]
  readonly joins: boolean
}

export function randomGraph(dice: Dice): RandomGraph {
  const count = dice.between(2, 6)
  const names = Array.from({ length: count }, (_, index) => `s${index}`)
  const terminals = Array.from({ length: dice.between(1, 3) }, (_, index) => `end${index}`)
  const joins = dice.chance(0.15) && count > 2
  const joinAt = joins ? dice.between(1, count - 1) : -1
  const statuses = names.map((name, index) => statusPlan(dice, name, index, names, terminals, index === joinAt))
  return { statuses, terminals: reached(statuses, terminals), joins }
}

function statusPlan(
  dice: Dice,
  name: string,
  index: number,
  names: readonly string[],
  terminals: readonly string[],
  join: boolean,
): StatusPlan {
  const kinds = join ? (['join'] as const) : kindsOf(dice)
  const exits: RandomExits = {}
  for (const kind of kinds) exits[kind] = destinations(dice, index, names, terminals)
  // The chain holds together, so that every status is reached and every run can end.
  const first = exits[kinds[0]]
  const following = names[index + 1] ?? terminals[0] ?? ''
  if (first !== undefined && !first.includes(following)) first.push(following)
  const computed = dice.chance(0.3)
  const timeouts = exits.timeout === undefined ? [] : dice.chance(0.25) ? ['early', 'late'] : ['timeout']
  return {
    name,
    index,
    exits,
    timeoutsMs: new Map(
      timeouts.map((timeout) => [
        timeout,
        timeout === 'early' && computed && dice.chance(0.3) ? undefined : dice.spread(200, 20_000) + 100,
      ]),
    ),
    computed,
    rows: dice.chance(0.15),
    options: optionsOf(dice),
  }
}

type Kinds = readonly ['step' | 'callback' | 'timeout' | 'join', ...('step' | 'callback' | 'timeout' | 'join')[]]

function kindsOf(dice: Dice): Kinds {
  const throwOf = dice.below(20)
  if (throwOf < 10) return ['step']
  if (throwOf < 13) return ['callback']
  if (throwOf < 16) return ['callback', 'timeout']
  if (throwOf < 17) return ['timeout']
  if (throwOf < 18) return ['step', 'timeout']
  return throwOf < 19 ? ['step', 'callback'] : ['step', 'callback', 'timeout']
}

function destinations(dice: Dice, index: number, names: readonly string[], terminals: readonly string[]): string[] {
  const to = new Set<string>()
  const forward = [...names.slice(index + 1), ...terminals]
  to.add(dice.pick(forward))
  if (dice.chance(0.4)) to.add(dice.pick(forward))
  // A way back, or around.
  if (dice.chance(0.2)) to.add(dice.pick(names.slice(0, index + 1)))
  return [...to]
}

function optionsOf(dice: Dice): StatusPlan['options'] {
  return {
    ...(dice.chance(0.6) ? { parallelCount: dice.between(1, 8) } : undefined),
    ...(dice.chance(0.3) ? { pauseAfterErrCount: dice.between(1, 4) } : undefined),
    ...(dice.chance(0.1) ? { consumeLag: `${dice.between(50, 2_000)}ms` } : undefined),
    deadline: `${dice.between(1_000, 8_000)}ms`,
    errBackOff: dice.chance(0.3) ? '6s' : `${dice.between(20, 2_000)}ms`,
  }
}

/** The ends that something leads to: others would be refused. */
function reached(statuses: readonly StatusPlan[], terminals: readonly string[]): readonly string[] {
  const to = new Set(statuses.flatMap(({ exits }) => Object.values(exits).flat()))
  return terminals.filter((terminal) => to.has(terminal))
}
