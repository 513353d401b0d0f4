/** What goes wrong in a simulation, and when: decided before it begins, so that any of it can be left out of a replay. */
import type { Dice } from './dice.ts'

/** Where a fault strikes: at a call of a port, a handler or a timer, or at a time. */
export type Place = 'any' | 'write' | 'read' | 'acknowledge' | 'receive' | 'renew' | 'timer' | 'handler' | 'time'

interface FaultShape {
  readonly place: Place
  /** How often it is drawn, compared to the others. */
  readonly weight: number
  /** How long it lasts or delays, in milliseconds. */
  readonly ms: readonly [least: number, most: number]
}

/** Everything that can go wrong. */
export const faultKinds = [
  'process dies',
  'process stalls',
  'rolling restart',
  'reply lost',
  'write rejected',
  'write busy',
  'write delayed',
  'read failed',
  'read lags',
  'store down',
  'connection lost',
  'stream down',
  'event delayed',
  'event duplicated',
  'event to the wrong instance',
  'event lost',
  'group rebalanced',
  'acknowledgement lost',
  'acknowledgement rejected',
  'lease taken',
  'leases forgotten',
  'lease believed held',
  'role moved',
  'clock jumps',
  'timer late',
  'handler hangs',
  'handler throws',
  'handler fails for good',
  'handler late',
] as const
export type FaultKind = (typeof faultKinds)[number]

const shapes: { readonly [Kind in FaultKind]: FaultShape } = {
  'process dies': { place: 'any', weight: 6, ms: [200, 8_000] },
  'process stalls': { place: 'any', weight: 3, ms: [50, 15_000] },
  'rolling restart': { place: 'time', weight: 3, ms: [0, 2_000] },
  'reply lost': { place: 'write', weight: 5, ms: [5, 4_000] },
  'write rejected': { place: 'write', weight: 3, ms: [1, 1_000] },
  'write busy': { place: 'write', weight: 1, ms: [1, 50] },
  'write delayed': { place: 'write', weight: 4, ms: [20, 12_000] },
  'read failed': { place: 'read', weight: 3, ms: [1, 1_000] },
  'read lags': { place: 'read', weight: 4, ms: [20, 8_000] },
  'store down': { place: 'time', weight: 1, ms: [100, 6_000] },
  'connection lost': { place: 'time', weight: 1, ms: [0, 0] },
  'stream down': { place: 'time', weight: 2, ms: [100, 10_000] },
  'event delayed': { place: 'receive', weight: 4, ms: [20, 15_000] },
  'event duplicated': { place: 'receive', weight: 4, ms: [1, 10_000] },
  'event to the wrong instance': { place: 'receive', weight: 2, ms: [1, 2_000] },
  'event lost': { place: 'receive', weight: 1, ms: [0, 0] },
  'group rebalanced': { place: 'time', weight: 3, ms: [0, 0] },
  'acknowledgement lost': { place: 'acknowledge', weight: 2, ms: [1, 1_000] },
  'acknowledgement rejected': { place: 'acknowledge', weight: 2, ms: [1, 1_000] },
  'lease taken': { place: 'time', weight: 3, ms: [0, 0] },
  'leases forgotten': { place: 'time', weight: 1, ms: [0, 0] },
  'lease believed held': { place: 'time', weight: 3, ms: [2_000, 20_000] },
  'role moved': { place: 'time', weight: 2, ms: [0, 0] },
  'clock jumps': { place: 'time', weight: 3, ms: [1, 120_000] },
  'timer late': { place: 'timer', weight: 3, ms: [10, 10_000] },
  'handler hangs': { place: 'handler', weight: 2, ms: [0, 0] },
  'handler throws': { place: 'handler', weight: 4, ms: [0, 0] },
  'handler fails for good': { place: 'handler', weight: 1, ms: [0, 0] },
  'handler late': { place: 'handler', weight: 2, ms: [100, 30_000] },
}

/** Something that goes wrong once. */
export interface Fault {
  /** Its place in the plan of its seed, from 0. */
  readonly id: number
  readonly kind: FaultKind
  readonly place: Place
  /** At which call of its place, from 1; at a time, in microseconds since the beginning. */
  readonly when: number
  readonly ms: number
  /** Chooses between the processes and slots that there are then, and between variants. */
  readonly choice: number
}

export interface FaultPlanOptions {
  readonly count: number
  readonly runs: number
  /** After this time nothing goes wrong any more, in microseconds. */
  readonly untilUs: number
  /** Ids of faults that are left out. */
  readonly without: ReadonlySet<number>
  /** Which kinds may be drawn. */
  readonly kinds: readonly FaultKind[]
}

/** How many calls of each place a run makes, roughly: so many chances has a fault to strike. */
const callsPerRun: { readonly [P in Exclude<Place, 'time'>]: number } = {
  any: 30,
  write: 6,
  read: 5,
  acknowledge: 2,
  receive: 2,
  renew: 3,
  timer: 8,
  handler: 4,
}

export class FaultPlan {
  readonly faults: readonly Fault[]
  /** Those that have struck, in order. */
  readonly struck: Fault[] = []
  readonly #byCall = new Map<Place, Map<number, Fault>>()
  readonly #calls = new Map<Place, number>()
  #over = false

  constructor(dice: Dice, options: FaultPlanOptions) {
    const total = options.kinds.reduce((sum, kind) => sum + shapes[kind].weight, 0)
    const faults: Fault[] = []
    for (let id = 0; id < options.count && total > 0; id++) faults.push(drawn(id, dice, total, options))
    this.faults = faults
    for (const fault of faults) {
      if (options.without.has(fault.id) || fault.place === 'time') continue
      let calls = this.#byCall.get(fault.place)
      if (calls === undefined) this.#byCall.set(fault.place, (calls = new Map()))
      // Two for one call: the later one takes the next.
      let when = fault.when
      while (calls.has(when)) when++
      calls.set(when, fault)
    }
    this.timed = faults.filter((fault) => fault.place === 'time' && !options.without.has(fault.id))
  }

  /** Those that strike at a time. */
  readonly timed: readonly Fault[]

  /** Counts a call, and says what goes wrong with it. */
  at(place: Place): Fault | undefined {
    const calls = this.#byCall.get(place)
    if (calls === undefined || this.#over) return undefined
    const count = (this.#calls.get(place) ?? 0) + 1
    this.#calls.set(place, count)
    const fault = calls.get(count)
    if (fault !== undefined) this.struck.push(fault)
    return fault
  }

  /** From now on nothing goes wrong. */
  end(): void {
    this.#over = true
  }

  get over(): boolean {
    return this.#over
  }
}

function drawn(id: number, dice: Dice, total: number, { runs, untilUs, kinds }: FaultPlanOptions): Fault {
  let left = dice.below(total)
  let kind = kinds[0] as FaultKind
  for (const each of kinds) {
    kind = each
    left -= shapes[each].weight
    if (left < 0) break
  }
  const { place, ms } = shapes[kind]
  const when = place === 'time' ? Math.floor(dice.fraction() * untilUs) : 1 + dice.below(Math.max(1, runs * callsPerRun[place]))
  return { id, kind, place, when, ms: dice.spread(ms[0], ms[1]), choice: dice.bits() }
}

/** One line for a person. */
export function describeFault({ id, kind, place, when, ms }: Fault): string {
  const where = place === 'time' ? `at ${(when / 1e6).toFixed(3)} s` : place === 'any' ? `at call ${when}` : `at ${place} ${when}`
  return `#${id} ${kind} ${where}${ms > 0 ? `, ${ms} ms` : ''}`
}
