/** Puts a kit together: the definition behind mocks and records, the real engine on it, in memory, in virtual time. */
import {
  type AnyContract,
  Configuration,
  type Definition,
  type Duration,
  type HandlerFunction,
  type HandlerInfo,
  type TransitionGraph,
  type Workflow,
} from '@workflow/core'
import { durationMs, type RecordStore, type Unit } from '@workflow/core/adapter'
import { memory } from '@workflow/core/memory'
import { type MemoryConnector, memoryConnector } from '../memory-connector.ts'
import { realTurn } from '../real-turn.ts'
import { VirtualClock } from '../virtual-clock.ts'
import { Calls } from './calls.ts'
import { beginCoverage } from './coverage/folder.ts'
import { CoverageRecorder } from './coverage/recorder.ts'
import { EngineKit } from './engine-kit.ts'
import { attemptsMaxDefault, defaultsCalm, never, patienceDefault, type TestKitOptions } from './kit-options.ts'
import { type Mocks, MockTable } from './mocks.ts'
import { observedStore } from './observed-store.ts'
import { assertOptions } from './options-check.ts'
import { recordedLogger } from './recorded-logger.ts'
import type { LogLine, TestKit } from './test-kit.ts'
import { trackedClient } from './tracked-client.ts'
import { World } from './world.ts'

/**
 * Builds and runs a definition for a test. Throws `Configuration` for mocks and options that cannot work.
 *
 *     await using kit = testKit(definition, { steps: { charge: 'paid' } })
 */
export function testKit<C extends AnyContract, Tx = unknown, Sources extends string = never>(
  definition: Definition<C, Tx, Sources>,
  mocks: Mocks<NoInfer<C>, NoInfer<Tx>, NoInfer<Sources>> = {},
  options: TestKitOptions<NoInfer<Tx>> = {},
): TestKit<C, Sources> {
  // The casts hold because a kit has every verb of its type, for any contract, and checks at run time what the types promise.
  return kitOf(definition as unknown as Definition<AnyContract>, mocks, options as TestKitOptions) as unknown as TestKit<C, Sources>
}

function kitOf(given: Definition<AnyContract>, mocks: unknown, options: TestKitOptions): EngineKit {
  if (typeof given?.intercept !== 'function')
    throw new Configuration('testKit needs a definition made with workflow(…).addStep(…); got something else')
  const graph = given.contract.graph()
  assertOptions(graph.name, options)
  const world = worldOf(graph.name, options)
  const infos: HandlerInfo[] = []
  const recorder = new CoverageRecorder(graph)
  const calls = new Calls(world.clock.now, (info, call) => recorder.ended(info, call))
  const table = new MockTable(graph.name, mocks)
  const definition = given.intercept((info, handler) => {
    infos.push(info)
    recorder.know(info)
    const called = calls.around(info, handler, table.take(info))
    return info.kind === 'connector' ? withTrackedApi(called, world) : called
  })
  table.assertAllUsed()
  const endCoverage = coverageOf(recorder, options.coverage ?? process.env['WORKFLOW_COVERAGE'])
  const logs: LogLine[] = []
  const connectors = new Map(
    infos.flatMap(({ kind, name }): [string, MemoryConnector][] =>
      kind === 'connector' && name !== undefined ? [[name, memoryConnector({ clock: world.engineClock })]] : [],
    ),
  )
  const { workflow, store } = build(definition, { world, options, connectors, logs }, (unit) => {
    for (const change of unit.changes ?? []) {
      const { workflowName, runId, foreignId, version } = change.next
      if (version === 1) world.runIds.push(runId)
      world.touch(runId)
      world.touch(foreignId)
      calls.failures.committed(change)
      if (workflowName === graph.name) recorder.committed(change, calls.last.get(runId))
    }
    for (const note of unit.attempts ?? []) calls.failures.noted(note)
  })
  const inhabitant = { workflow, calls }
  world.inhabitants.add(inhabitant)
  const started = start(workflow, graph)
  const limitMs = durationMs(options.infrastructure?.shutdownTimeout ?? shutdownTimeout) + afterLimitMs
  return new EngineKit({
    world,
    workflow,
    graph,
    infos,
    calls,
    connectors,
    logs,
    record: async (runId) => {
      const record = await store.lookup(runId)
      return record?.workflowName === graph.name ? record : undefined
    },
    timeouts: (runId) => openTimeouts(store, runId),
    coverage: () => recorder.coverage(),
    started,
    stop: async () => {
      await started.catch(() => undefined)
      world.inhabitants.delete(inhabitant)
      await stopInTime(workflow, world.clock, limitMs)
      await Promise.all(Array.from(connectors.values(), (connector) => connector.close()))
      endCoverage()
    },
  })
}

function worldOf(name: string, options: TestKitOptions): World {
  const { beside, start, clock, seed = 1, patience = patienceDefault, attemptsMax = attemptsMaxDefault } = options
  if (beside === undefined) return new World({ clock: clock ?? new VirtualClock(start), seed, patience, attemptsMax })
  const refuse = (what: string): never => {
    throw new Configuration(`the test kit of workflow '${name}': ${what}`)
  }
  if (!(beside instanceof EngineKit)) return refuse('beside must be another test kit')
  if (beside.world.inhabitants.size === 0) return refuse('beside must be a kit that runs, and that one has been stopped')
  const [shared] = (['clock', 'start', 'seed', 'patience', 'attemptsMax'] as const).filter((option) => options[option] !== undefined)
  if (shared !== undefined) return refuse(`a kit beside another one has that one's time and patience: leave out ${shared}`)
  return beside.world
}

/** Says where coverage is gathered that there is a kit; the result says what it did. */
function coverageOf(recorder: CoverageRecorder, folder: string | false | undefined): () => void {
  if (typeof folder !== 'string' || folder === '') return () => undefined
  const end = beginCoverage(folder, recorder.begun())
  return () => end(recorder.coverage())
}

interface Surroundings {
  readonly world: World
  readonly options: TestKitOptions
  readonly connectors: ReadonlyMap<string, MemoryConnector>
  readonly logs: LogLine[]
}

function build(
  definition: Definition<AnyContract>,
  { world, options, connectors, logs }: Surroundings,
  committed: (unit: Unit) => void,
): { readonly workflow: Workflow<AnyContract>; readonly store: RecordStore } {
  const { infrastructure = {}, transaction } = options
  const clock = world.engineClock
  const ports = memory({
    database: world.database,
    clock,
    instance: 'test kit',
    leaseDuration: never,
    ...(transaction === undefined ? undefined : { transaction }),
  })
  const store = observedStore<unknown>(ports.recordStore, committed)
  const workflow = definition.build({
    logger: recordedLogger(logs),
    shutdownTimeout,
    ...infrastructure,
    recordStore: store,
    eventStreamer: { ...ports.eventStreamer, source: store },
    timeoutStore: store.timers,
    roleScheduler: ports.roleScheduler,
    clock,
    random: world.random,
    slots: 1,
    defaults: { ...defaultsCalm, ...infrastructure.defaults },
    sweepFrequency: never,
    awaitPollingFrequency: never,
    connectors: Object.fromEntries(connectors),
  })
  return { workflow, store }
}

/** Runs the workflow, and has it load what callbacks need: later that would take real time while virtual time passes. */
async function start(workflow: Workflow<AnyContract>, graph: TransitionGraph): Promise<void> {
  await workflow.run()
  if (graph.nodes.every(({ exits }) => !exits.includes('callback'))) return
  // The cast holds because there is no such run: the call only loads the code that refuses it.
  await workflow.callback({ runId: '00000000-0000-7000-8000-000000000000' }, '' as never).catch(() => undefined)
}

/** A stop waits for time, too; nobody else lets it pass any more. */
async function stopInTime(workflow: Workflow<AnyContract>, clock: VirtualClock, limitMs: number): Promise<void> {
  let ended = false
  const end = (): void => {
    ended = true
  }
  const stopping = workflow.stop()
  stopping.then(end, end)
  for (let turn = 0; !ended; turn++) {
    await realTurn()
    // Handlers in hand have some turns to end by themselves.
    if (!ended && turn >= 8 && !clock.busy && clock.nextInMs() <= limitMs) clock.fireNext()
  }
  await stopping
}

/** How long handlers may go on once the kit stops: what they do then nobody looks at. */
const shutdownTimeout: Duration = '0ms'
/** What an engine does after that. */
const afterLimitMs = 5_000

function withTrackedApi(handler: HandlerFunction, { pump }: World): HandlerFunction {
  return (event, api, context) =>
    handler(
      event,
      trackedClient(api as object, (work) => pump.hold(work)),
      context,
    )
}

async function openTimeouts(store: RecordStore, runId: string): Promise<readonly { readonly name: string; readonly at: Date }[]> {
  const { items } = await store.timers.list({ owner: runId, status: 'open' }, { limit: 1_000 })
  return items.flatMap(({ key, at }) => (key.kind === 'timeout' ? [{ name: key.name, at }] : []))
}
