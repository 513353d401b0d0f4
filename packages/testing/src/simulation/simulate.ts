/** Simulation of a user's own workflow: the same instances, faults and promises that the engine itself is held to. */
import type { AnyContract, Clock, Definition, InputOf, PayloadInput, StatusWith } from '@workflow/core'
import { Dice } from './dice.ts'
import { faultKinds, type FaultKind } from './fault.ts'
import type { Invariant, Violation } from './oracle.ts'
import { preload } from './preload.ts'
import { runSeed, shortTrace, shrunk, type SeedOptions } from './seed-run.ts'
import { assertFits, assertOptions, Values } from './simulate-options.ts'
import type { SimProcess } from './sim-process.ts'
import type { SeedResult } from './simulation.ts'
import type { LooseDefinition, Subject } from './subject.ts'

/** Where the random parts of a simulation come from. The same for the same seed, on every machine. */
export interface Chance {
  /** At least 0, less than 1. */
  readonly fraction: () => number
  /** A whole number, both ends included. */
  between(least: number, most: number): number
  /** True so often. */
  chance(probability: number): boolean
  /** One of several. */
  pick<T>(from: readonly T[]): T
}

/** What handlers may need of the simulated world. */
export interface SimulatedWorld {
  /** The clock of the process that the definition is made for: wait with it, real time does not pass. */
  readonly clock: Clock
}

/** How to simulate a workflow. */
export interface SimulateOptions<C extends AnyContract> {
  /** What a run starts with. */
  readonly initialValue: (chance: Chance, foreignId: string) => InputOf<C>
  /** What callbacks carry, for each status that has a payload. */
  readonly payloads?: { readonly [S in StatusWith<C, 'callback'>]?: (chance: Chance) => PayloadInput<C, S> }
  /** What events of foreign streams carry, by connector. */
  readonly events?: { readonly [connector: string]: (chance: Chance) => unknown }
  /** The workflows whose runs this one joins. */
  readonly children?: readonly { readonly contract: AnyContract }[]
  /** How many seeds. @default 100 */
  readonly seeds?: number
  /** The first of them: a number that fails is replayed by `{ firstSeed, seeds: 1 }`. @default 1 */
  readonly firstSeed?: number
  /** How many runs are started in each seed. @default 20 */
  readonly runs?: number
  /** How many faults are planned in each seed; those that find nothing to strike do not. @default 20 */
  readonly faults?: number
  /** Faults of the plan that are left out, by their number: from the replay that a failure prints. @default none */
  readonly without?: readonly number[]
  /** What may go wrong. @default everything */
  readonly faultKinds?: readonly FaultKind[]
  /** How many instances share the work. @default 2 or 3, by the seed */
  readonly instances?: number
  /** Hears of every seed that is done. */
  readonly onSeed?: (result: SeedSummary) => void
}

/** One seed that is done. */
export interface SeedSummary {
  readonly seed: number
  /** Equal for equal traces. */
  readonly hash: string
  readonly events: number
  /** How much virtual time passed, in milliseconds. */
  readonly virtualMs: number
  readonly runs: number
  readonly faults: number
}

/** What came of all seeds, if no promise was broken. */
export interface SimulationReport {
  readonly seeds: number
  readonly events: number
  readonly runs: number
  /** How often each kind of fault has struck. */
  readonly faults: ReadonlyMap<FaultKind, number>
  /** How often runs came to each run state and were moved by each cause, as `state Completed` and `by step`. */
  readonly coverage: ReadonlyMap<string, number>
}

/** A promise was broken. The message says which, by what, and how to see it again. */
export class SimulationFailed extends Error {
  override readonly name = 'SimulationFailed'
  readonly invariant: Invariant
  readonly seed: number
  /** The options that fail in the same way with as little as possible. */
  readonly replay: {
    readonly firstSeed: number
    readonly seeds: 1
    readonly runs: number
    readonly faults: number
    readonly without: readonly number[]
  }
  readonly trace: readonly string[]

  constructor(invariant: Invariant, message: string, options: SeedOptions, trace: readonly string[]) {
    const replay = { firstSeed: options.seed, seeds: 1, runs: options.runs, faults: options.faults, without: options.without } as const
    super(
      `seed ${options.seed} breaks "${invariant}": ${message}\n${trace.join('\n')}\nTo see it again: simulate(definition, { …, ...${JSON.stringify(replay)} })`,
    )
    this.invariant = invariant
    this.seed = options.seed
    this.replay = replay
    this.trace = trace
  }
}

/** The runs of a definition do not come to their end even where nothing goes wrong: the simulation has nothing to say about it. */
export class CannotFinish extends Error {
  override readonly name = 'CannotFinish'
}

/**
 * Runs a definition in several instances at once, on virtual time, while processes die, answers get lost, leases end and
 * clocks jump, and checks every promise that the engine makes after every event. Handlers are called for real: give them
 * fakes of what is outside, and the world's clock for waiting.
 *
 * Rejects with `SimulationFailed` when a promise is broken, with `CannotFinish` when runs do not come to their end
 * although nothing goes wrong, and with `InvalidArgument` for options and values that cannot be used.
 */
export async function simulate<C extends AnyContract, Tx, Sources extends string>(
  definition: Definition<C, Tx, Sources> | ((world: SimulatedWorld) => Definition<C, Tx, Sources>),
  options: SimulateOptions<C>,
): Promise<SimulationReport> {
  assertOptions(options)
  await preload()
  const { seeds = 100, firstSeed = 1, runs = 20, faults = 20, without = [], faultKinds: kinds = faultKinds, instances } = options
  const common = { runs, faults, without, kinds, ...(instances === undefined ? undefined : { instances }) }
  const values = new Values()
  const first = subjectOf(definition, options, 0, values)
  assertFits(first.definitions(nowhere), options)
  await assertFinishes(first, values)
  const coverage = new Map<string, number>()
  const struck = new Map<FaultKind, number>()
  let events = 0
  let allRuns = 0
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const subject = subjectOf(definition, options, seed, values)
    const result = await runSeed(subject, { seed, ...common })
    if (values.mistake !== undefined) throw values.mistake
    if (result.violation !== undefined) throw await failureOf(subject, { seed, ...common }, result)
    events += result.events
    allRuns += result.runs
    for (const { kind } of result.struck) struck.set(kind, (struck.get(kind) ?? 0) + 1)
    for (const [what, count] of result.seen) coverage.set(what, (coverage.get(what) ?? 0) + count)
    options.onSeed?.({
      seed,
      hash: result.hash,
      events: result.events,
      virtualMs: result.virtualMs,
      runs: result.runs,
      faults: result.struck.length,
    })
  }
  return { seeds, events, runs: allRuns, faults: struck, coverage }
}

const unknown: Violation = { invariant: 'nothing unexpected', message: 'the failure did not come again' }
const otherWay =
  "The same seed took another way the second time, so this cannot be had again: some handler decides by what the seed does not. Take chance from the seed (a handler's from what its run carries) and time from the clock that simulate((world) => …) hands over, and keep no state that outlives a seed."

/** Stands for a process where only the shape of the definitions counts. */
// The cast holds because nothing runs in it.
const nowhere = {} as SimProcess

async function failureOf(subject: Subject, options: SeedOptions, result: SeedResult): Promise<SimulationFailed> {
  const again = await runSeed(subject, options)
  if (again.hash !== result.hash) {
    const { invariant, message } = result.violation ?? unknown
    return new SimulationFailed(invariant, `${message}\n${otherWay}`, options, [])
  }
  const small = await shrunk(subject, options, result)
  const { lines, result: told } = await shortTrace(subject, small)
  const { invariant, message } = told.violation ?? result.violation ?? unknown
  return new SimulationFailed(invariant, message, small, lines)
}

/** Before anything goes wrong: whether runs end at all when the driver does what they wait for. */
async function assertFinishes(subject: Subject, values: Values): Promise<void> {
  let failed = ''
  const { violation } = await runSeed(subject, { seed: 0, runs: 3, faults: 0, without: [], kinds: [], instances: 1 }, (line) => {
    failed = /: (?:warn|error): the attempt failed.*?\} (.*)$/.exec(line)?.[1] ?? failed
  })
  if (values.mistake !== undefined) throw values.mistake
  if (violation?.invariant !== 'no run lost') return
  throw new CannotFinish(
    `${violation.message.replace(/^.*? after the last fault /, 'After twelve minutes of virtual time without any fault ')}\n${failed === '' ? '' : `The last error of a handler: ${failed}\n`}Nothing went wrong here, so either the handlers never lead there (does every loop end? does a callback's payload let the run go on?), or one of them waits for something real: a timer, a socket, a file. Real time does not pass in a simulation: wait with the clock that simulate((world) => …) hands over, and give the handlers fakes of what is outside.`,
  )
}

function subjectOf<C extends AnyContract, Tx, Sources extends string>(
  definition: Definition<C, Tx, Sources> | ((world: SimulatedWorld) => Definition<C, Tx, Sources>),
  options: SimulateOptions<C>,
  seed: number,
  values: Values,
): Subject {
  let dice = Dice.of(seed, 'values')
  // The casts of this function hold because a simulation gives a definition every port there is, and values of the user's own making.
  const payloads = (options.payloads ?? {}) as { readonly [status: string]: ((chance: Chance) => unknown) | undefined }
  const children = (options.children ?? []) as unknown as readonly LooseDefinition[]
  return {
    definitions: (process: SimProcess) => [
      (typeof definition === 'function' ? definition({ clock: process.clock }) : definition) as unknown as LooseDefinition,
      ...children,
    ],
    begin: () => {
      dice = Dice.of(seed, 'values')
    },
    initialValue: (foreignId) => values.of(`the initial value of '${foreignId}'`, () => options.initialValue(dice, foreignId)),
    payload: (status) => values.of(`the payload of '${status}'`, () => payloads[status]?.(dice)),
    foreignValue: (connector) => values.of(`an event of '${connector}'`, () => options.events?.[connector]?.(dice) ?? null),
  }
}
