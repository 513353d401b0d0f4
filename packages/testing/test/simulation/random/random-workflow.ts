/** A workflow with a random graph whose handlers do random things: and tell the oracle what they do. */
import { after, unchecked, workflow, type ExitKind } from '@workflow/core'
import { Dice } from '../../../src/simulation/dice.ts'
import type { SimProcess } from '../../../src/simulation/sim-process.ts'
import type { LooseClient, LooseDefinition, Subject } from '../../../src/simulation/subject.ts'
import type { Transaction } from '../../../src/simulation/surroundings.ts'
import { sleep } from '../../../src/simulation/watched.ts'
import { childContract, childDefinition } from './random-child.ts'
import { randomGraph, type RandomGraph, type StatusPlan } from './random-graph.ts'

/** What its runs carry. */
interface RandomObject {
  readonly secret: string
  moves: number
  loops: number
  repeats: number
}

/** A run in the hands of a random handler. */
export interface LooseRun {
  readonly workflowName: string
  readonly runId: string
  readonly foreignId: string
  readonly status: string
  readonly version: number
  readonly attempt: number
  readonly idempotencyKey: string
  readonly signal: AbortSignal
  object: unknown
  skip(): unknown
  pause(reason: string): unknown
  cancel(reason: string): unknown
  saveAndRepeat(): unknown
  commit(to: string, write: (tx: Transaction) => Promise<void>): unknown
  startChild(child: object, foreignId: string, options: object): void
}

/** A builder whose types are not known here. */
interface LooseBuilder extends LooseDefinition {
  addStep(from: string, handler: (run: LooseRun) => Promise<unknown>, options?: object): LooseBuilder
  addCallback(from: string, handler: (run: LooseRun, payload: { readonly key: string }) => Promise<unknown>, options?: object): LooseBuilder
  addTimeout(from: string, timer: unknown, handler: (run: LooseRun) => Promise<unknown>, options?: object): LooseBuilder
  addJoin(from: string, handler: (run: LooseRun, children: readonly unknown[]) => Promise<unknown>, options?: object): LooseBuilder
  addConnector(name: string, schema: unknown, handler: (event: { readonly data: unknown }, api: LooseClient) => Promise<void>): LooseBuilder
  onPause(handler: Hook): LooseBuilder
  onCancel(handler: Hook): LooseBuilder
  onComplete(handler: Hook): LooseBuilder
  onDataDeleted(handler: Hook): LooseBuilder
  customDelete(scrub: (object: unknown) => Promise<unknown>): LooseBuilder
  transactional(): LooseBuilder
}
type Hook = () => Promise<void>

const secret = 'a-secret-of'
const connectorName = 'letters'
const hookNames = ['onPause', 'onCancel', 'onComplete', 'onDataDeleted'] as const

export function randomWorkflow(seed: number): Subject {
  const dice = Dice.of(seed, 'workflow')
  const graph = randomGraph(dice)
  const hooks = hookNames.filter(() => dice.chance(0.4))
  const connectors = dice.chance(0.25) ? [connectorName] : []
  const callbacks = graph.statuses.filter(({ exits }) => exits.callback !== undefined)
  const joins = graph.statuses.filter(({ exits }) => exits.join !== undefined)
  const spec = {
    object: unchecked<RandomObject>(),
    graph: Object.fromEntries([...graph.statuses.map((status) => [status.name, status.exits]), ...graph.terminals.map((end) => [end, {}])]),
    payloads: Object.fromEntries(callbacks.map((status) => [status.name, unchecked<unknown>()])),
    children: Object.fromEntries(joins.map((status) => [status.name, childContract])),
  }
  // The casts hold because the graph was made here, by the rules that the types would check.
  const contracts = (dice.chance(0.3) ? [1, 2] : [1]).map(
    (schemaVersion) =>
      workflow(`random-${seed}`, { ...spec, schemaVersion, upcast: (old: unknown) => old } as never) as unknown as LooseBuilder,
  )
  const scrubs = dice.chance(0.3)
  return {
    definitions: (process) => [
      // What comes up after a rolling restart may be newer code.
      definition(contracts[process.generation > 0 ? contracts.length - 1 : 0] as LooseBuilder, {
        seed,
        graph,
        hooks,
        connectors,
        scrubs,
        process,
      }),
      ...(joins.length > 0 ? [childDefinition] : []),
    ],
    secret,
    movable: true,
    attemptsMax: attemptsMaxOf(graph),
    keyOf: (payload) => (payload as { readonly key: string }).key,
    initialValue: (foreignId) => ({ secret: `${secret} ${foreignId}`, moves: 0, loops: 0, repeats: 0 }),
    payload: (_status, key) => ({ key, secret: `${secret} ${key}` }),
    foreignValue: (_connector, index) => ({ index }),
  }
}

/** By the processes of the engine: a step, a callback, a join, a timeout of a status. */
function attemptsMaxOf(graph: RandomGraph): (process: string) => number | undefined {
  const most = new Map(graph.statuses.map(({ name, options }) => [name, options['pauseAfterErrCount'] as number | undefined]))
  return (process) => most.get(/^(?:step|callback|join|timeout) ([^/]+)/.exec(process)?.[1] ?? '')
}

interface Making {
  readonly seed: number
  readonly graph: RandomGraph
  readonly hooks: readonly (typeof hookNames)[number][]
  readonly connectors: readonly string[]
  /** Whether it keeps something of an object whose data is deleted. */
  readonly scrubs: boolean
  readonly process: SimProcess
}

function definition(contract: LooseBuilder, making: Making): LooseBuilder {
  const { graph, process, hooks, connectors } = making
  let built = graph.statuses.some(({ rows }) => rows) ? contract.transactional() : contract
  for (const status of graph.statuses) {
    const { name, exits, timeoutsMs, options } = status
    const handle = (kind: ExitKind, place: string) => (run: LooseRun, payload?: unknown) =>
      handled(making, status, kind, place, run, payload)
    if (exits.step !== undefined) built = built.addStep(name, handle('step', `step ${name}`), options)
    if (exits.callback !== undefined) built = built.addCallback(name, handle('callback', `callback ${name}`), options)
    if (exits.join !== undefined) built = built.addJoin(name, handle('join', `join ${name}`), options)
    for (const [timeout, ms] of timeoutsMs)
      built = built.addTimeout(name, timerOf(ms, status.computed), handle('timeout', `timeout ${name}/${timeout}`), {
        ...options,
        name: timeout,
      })
  }
  for (const connector of connectors)
    built = built.addConnector(connector, unchecked<unknown>(), (event, api) => letter(making, event.data, api))
  const hook: Hook = () => pause(process, process.world.dice)
  for (const name of hooks) built = built[name](hook)
  if (making.scrubs) built = built.customDelete(async (object) => ({ ...(object as RandomObject), secret: '' }))
  return built
}

/** A timer as a workflow may have it: fixed, or computed when the status is entered, and then perhaps none. */
function timerOf(ms: number | undefined, computed: boolean): unknown {
  const value = ms === undefined ? undefined : after(`${ms}ms`)
  return computed ? async () => value : value
}

/** An event of the foreign stream starts a run. */
async function letter(making: Making, data: unknown, api: LooseClient): Promise<void> {
  const { index } = data as { readonly index: number }
  await pause(making.process, making.process.world.dice)
  await api.trigger(`letter-${index}`, { initialValue: { secret: `${secret} letter-${index}`, moves: 0, loops: 0, repeats: 0 } })
}

async function handled(
  making: Making,
  status: StatusPlan,
  kind: ExitKind,
  place: string,
  run: LooseRun,
  payload: unknown,
): Promise<unknown> {
  const key = kind === 'callback' ? (payload as { readonly key: string }).key : ''
  // What a version does is its own: the same in every replay, whatever else has changed.
  const own = Dice.of(making.seed, `${run.foreignId} ${place} ${run.version} ${key}`)
  const failures = own.chance(0.15) ? own.between(1, 3) : 0
  if (own.chance(0.5)) await pause(making.process, own)
  if (run.attempt <= failures) throw new Error(`simulated, ${secret} ${run.foreignId}`)
  return decided(making, status, kind, run, own)
}

function decided({ graph }: Making, { index, exits, rows, name }: StatusPlan, kind: ExitKind, run: LooseRun, own: Dice): unknown {
  const object = run.object as RandomObject
  object.moves++
  const chance = own.below(100)
  if (chance < 2) return run.pause(`${secret} ${run.foreignId}`)
  if (chance < 3) return run.cancel(`${secret} ${run.foreignId}`)
  if (chance < 8 && kind === 'step' && object.repeats < 2) {
    object.repeats++
    return run.saveAndRepeat()
  }
  // Only where something else still moves the run.
  if (chance < 12 && object.loops === 0 && (kind === 'callback' || (kind === 'step' && (exits.callback ?? exits.timeout) !== undefined))) {
    if (own.chance(0.5)) object.moves--
    return run.skip()
  }
  const order = new Map(graph.statuses.map((status) => [status.name, status.index]))
  const isBack = (to: string): boolean => (order.get(to) ?? Infinity) <= index
  const possible = (exits[kind] ?? []).filter((to) => !isBack(to) || object.loops < 2)
  const to = own.pick(possible.length > 0 ? possible : (exits[kind] ?? [name]))
  if (isBack(to)) object.loops++
  if (graph.statuses[order.get(to) ?? -1]?.exits.join !== undefined) {
    for (let child = 0; child < own.between(0, 3); child++)
      run.startChild(childContract, `${run.foreignId}/${run.version}/${child}`, { initialValue: { secret: `${secret} ${run.foreignId}` } })
  }
  if (rows && kind === 'step' && own.chance(0.5))
    return run.commit(to, async (tx) => {
      tx.rows.push(`${run.runId}/${run.version}`)
    })
  return to
}

/** A moment of virtual time. */
function pause(process: SimProcess, dice: Dice): Promise<void> {
  return sleep(process, dice.spread(0, 800))
}
