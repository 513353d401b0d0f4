/** A workflow with a random graph whose handlers do random things: and tell the oracle what they do. */
import { after, NonRetryable, unchecked, workflow } from '@workflow/core'
import { Dice } from './dice.ts'
import { childSubject, childWorkflow } from './random-child.ts'
import { randomGraph, type RandomGraph, type StatusPlan } from './random-graph.ts'
import type { HookState } from './oracle.ts'
import type { SimProcess } from './sim-process.ts'
import type { LooseClient, LooseWorkflow, Subject } from './subject.ts'
import type { Transaction } from './surroundings.ts'

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
interface LooseBuilder {
  addStep(from: string, handler: (run: LooseRun) => Promise<unknown>, options?: object): LooseBuilder
  addCallback(from: string, handler: (run: LooseRun, payload: { readonly key: string }) => Promise<unknown>, options?: object): LooseBuilder
  addTimeout(from: string, timer: unknown, handler: (run: LooseRun) => Promise<unknown>, options?: object): LooseBuilder
  addJoin(from: string, handler: (run: LooseRun, children: readonly unknown[]) => Promise<unknown>, options?: object): LooseBuilder
  addConnector(name: string, schema: unknown, handler: (event: { readonly data: unknown }, api: LooseClient) => Promise<void>): LooseBuilder
  onPause(handler: Hook): LooseBuilder
  onCancel(handler: Hook): LooseBuilder
  onComplete(handler: Hook): LooseBuilder
  onDataDeleted(handler: Hook): LooseBuilder
  transactional(): LooseBuilder
  build(infrastructure: unknown): LooseWorkflow
  client(infrastructure: unknown): LooseClient
}
type Hook = (run: { readonly runId: string; readonly version: number; readonly state: string }) => Promise<void>

const secret = 'a-secret-of'
const connectorName = 'letters'

export function randomWorkflow(seed: number): Subject {
  const dice = Dice.of(seed, 'workflow')
  const graph = randomGraph(dice)
  const hooks = new Set<HookState>((['Paused', 'Cancelled', 'Completed', 'DataDeleted'] as const).filter(() => dice.chance(0.4)))
  const connectors = dice.chance(0.25) ? [connectorName] : []
  const name = `random-${seed}`
  const spec = {
    object: unchecked<RandomObject>(),
    graph: Object.fromEntries([...graph.statuses.map((status) => [status.name, status.exits]), ...graph.terminals.map((end) => [end, {}])]),
    payloads: Object.fromEntries(
      graph.statuses.filter(({ exits }) => exits.callback !== undefined).map((status) => [status.name, unchecked<unknown>()]),
    ),
    children: Object.fromEntries(
      graph.statuses.filter(({ exits }) => exits.join !== undefined).map((status) => [status.name, childWorkflow]),
    ),
  }
  // The casts hold because the graph was made here, by the rules that the types would check.
  const contract = workflow(name, spec as never) as unknown as LooseBuilder & { graph(): Subject['graph'] }
  return {
    name,
    graph: contract.graph(),
    others: graph.joins ? [childSubject] : [],
    hooks,
    handlersWatched: true,
    connectors,
    secret,
    build: (process, ports) => definition(contract, { seed, graph, hooks, connectors, process }).build(ports),
    client: (ports) => contract.client(ports),
    initialValue: (foreignId) => ({ secret: `${secret} ${foreignId}`, moves: 0, loops: 0, repeats: 0 }),
    payload: (_status, key) => ({ key, secret: `${secret} ${key}` }),
    foreignValue: (_connector, index) => ({ index }),
  }
}

interface Making {
  readonly seed: number
  readonly graph: RandomGraph
  readonly hooks: ReadonlySet<HookState>
  readonly connectors: readonly string[]
  readonly process: SimProcess
}

function definition(contract: LooseBuilder, making: Making): LooseBuilder {
  const { graph, process, hooks, connectors } = making
  let built = graph.statuses.some(({ rows }) => rows) ? contract.transactional() : contract
  for (const status of graph.statuses) {
    const { name, exits, timeoutsMs, options } = status
    const handle = (kind: 'step' | 'callback' | 'timeout' | 'join', process_: string) => (run: LooseRun, payload?: unknown) =>
      handled(making, status, kind, process_, run, payload)
    if (exits.step !== undefined) built = built.addStep(name, handle('step', `step ${name}`), options)
    if (exits.callback !== undefined) built = built.addCallback(name, handle('callback', `callback ${name}`), options)
    if (exits.join !== undefined) built = built.addJoin(name, handle('join', `join ${name}`), options)
    for (const [timeout, ms] of timeoutsMs)
      built = built.addTimeout(name, after(`${ms}ms`), handle('timeout', `timeout ${name}/${timeout}`), { ...options, name: timeout })
  }
  for (const connector of connectors)
    built = built.addConnector(connector, unchecked<unknown>(), (event, api) => letter(making, event.data, api))
  const hook: Hook = async (run) => {
    await pause(process, process.world.dice)
    if (process.world.faults.at('handler')?.kind === 'handler throws') throw new Error('simulated: the hook failed')
    process.world.oracle.hookDone(run.state as HookState, run.runId, run.version)
  }
  if (hooks.has('Paused')) built = built.onPause(hook)
  if (hooks.has('Cancelled')) built = built.onCancel(hook)
  if (hooks.has('Completed')) built = built.onComplete(hook)
  if (hooks.has('DataDeleted')) built = built.onDataDeleted(hook)
  return built
}

/** An event of the foreign stream starts a run. */
async function letter(making: Making, data: unknown, api: LooseClient): Promise<void> {
  const { index } = data as { readonly index: number }
  await pause(making.process, making.process.world.dice)
  await api.trigger(`letter-${index}`, { initialValue: { secret: `${secret} letter-${index}`, moves: 0, loops: 0, repeats: 0 } })
  making.process.world.oracle.letterHandled(index)
}

async function handled(
  making: Making,
  status: StatusPlan,
  kind: 'step' | 'callback' | 'timeout' | 'join',
  processName: string,
  run: LooseRun,
  payload: unknown,
): Promise<unknown> {
  const { process } = making
  const { world } = process
  const key = kind === 'callback' ? (payload as { readonly key: string }).key : undefined
  const ended = world.oracle.handlers.start(process, processName, run, key)
  const fault = world.faults.at('handler')
  // What a version does is its own: the same in every replay, whatever else has changed.
  const own = Dice.of(making.seed, `${run.foreignId} ${processName} ${run.version} ${key ?? ''}`)
  const failures = own.chance(0.15) ? own.between(1, 3) : 0
  try {
    if (own.chance(0.5)) await pause(process, own)
    if (fault?.kind === 'handler hangs') await new Promise(() => undefined)
    if (fault?.kind === 'handler late') await sleep(process, fault.ms)
    if (fault?.kind === 'handler fails for good') throw new NonRetryable(`simulated, ${secret} ${run.foreignId}`)
    if (fault?.kind === 'handler throws' || run.attempt <= failures) throw new Error(`simulated, ${secret} ${run.foreignId}`)
    return decided(making, status, kind, run, own)
  } finally {
    ended()
  }
}

function decided(
  { graph }: Making,
  { index, exits, rows, name }: StatusPlan,
  kind: 'step' | 'callback' | 'timeout' | 'join',
  run: LooseRun,
  own: Dice,
): unknown {
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
      run.startChild(childWorkflow, `${run.foreignId}/${run.version}/${child}`, { initialValue: { secret: `${secret} ${run.foreignId}` } })
  }
  if (rows && kind === 'step' && own.chance(0.5))
    return run.commit(to, async (tx) => {
      tx.rows.push(`${run.runId}/${run.version}`)
    })
  return to
}

/** A moment of virtual time. */
export function pause(process: SimProcess, dice: Dice): Promise<void> {
  return sleep(process, dice.spread(0, 800))
}

export function sleep(process: SimProcess, ms: number): Promise<void> {
  return new Promise((resolve) => process.plan(ms * 1_000, 'handler', resolve))
}
