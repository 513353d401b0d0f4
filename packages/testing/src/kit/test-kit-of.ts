/** Puts a kit together: the definition behind mocks and records, the real engine on it, in memory, in virtual time. */
import {
  type AnyContract,
  Configuration,
  type Definition,
  type HandlerFunction,
  type HandlerInfo,
  type TransitionGraph,
  Stopped,
  type Workflow,
} from '@workflow/core'
import { type Change, durationMs, type RecordStore } from '@workflow/core/adapter'
import { memory } from '@workflow/core/memory'
import { type MemoryConnector, memoryConnector } from '../memory-connector.ts'
import { realTurn } from '../real-turn.ts'
import { VirtualClock } from '../virtual-clock.ts'
import { Calls } from './calls.ts'
import { writeCoverage } from './coverage/folder.ts'
import { CoverageRecorder } from './coverage/recorder.ts'
import { EngineKit } from './engine-kit.ts'
import { attemptsMaxDefault, defaultsCalm, never, patienceDefault, type TestKitOptions } from './kit-options.ts'
import { type Mocks, MockTable } from './mocks.ts'
import { observedStore } from './observed-store.ts'
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
  const world = worldOf(graph.name, options)
  const infos: HandlerInfo[] = []
  const recorder = new CoverageRecorder(graph)
  const calls = new Calls(world.clock.now, (info, call) => recorder.ended(info, call))
  const table = new MockTable(graph.name, mocks)
  const definition = given.intercept((info, handler) => {
    infos.push(info)
    recorder.know(info)
    return calls.around(info, info.kind === 'connector' ? withTrackedApi(handler, world) : handler, table.take(info))
  })
  table.assertAllUsed()
  const logs: LogLine[] = []
  const connectors = new Map(
    infos.flatMap(({ kind, name }): [string, MemoryConnector][] =>
      kind === 'connector' && name !== undefined ? [[name, memoryConnector({ clock: world.engineClock })]] : [],
    ),
  )
  const { workflow, store } = build(definition, { world, options, connectors, logs }, (change) => {
    const { workflowName, runId, foreignId, version } = change.next
    if (version === 1) world.runIds.push(runId)
    world.touch(runId)
    world.touch(foreignId)
    if (workflowName === graph.name) recorder.committed(change, calls.last.get(runId))
  })
  const inhabitant = { workflow, calls }
  world.inhabitants.add(inhabitant)
  const started = start(workflow, graph)
  const folder = options.coverage ?? process.env['WORKFLOW_COVERAGE']
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
      if (world.inhabitants.size === 0) world.pump.close(new Stopped(`the test kit of workflow '${graph.name}' has been stopped`))
      await stopInTime(workflow, world.clock)
      await Promise.all(Array.from(connectors.values(), (connector) => connector.close()))
      if (typeof folder === 'string' && folder !== '') writeCoverage(folder, recorder.coverage())
    },
  })
}

function worldOf(name: string, options: TestKitOptions): World {
  const { beside, start, clock, seed = 1, patience = patienceDefault, attemptsMax = attemptsMaxDefault } = options
  if (beside !== undefined) {
    if (!(beside instanceof EngineKit)) throw new Configuration(`the test kit of workflow '${name}': beside must be another test kit`)
    if (clock !== undefined || start !== undefined)
      throw new Configuration(`the test kit of workflow '${name}': a kit beside another one has that one's time: leave out clock and start`)
    return beside.world
  }
  if (start !== undefined && Number.isNaN(start.getTime())) throw new Configuration(`the test kit of workflow '${name}': start is no date`)
  if (clock !== undefined && start !== undefined)
    throw new Configuration(
      `the test kit of workflow '${name}': the clock has its own time: leave start out, or make it new VirtualClock(start)`,
    )
  if (!(attemptsMax >= 1))
    throw new Configuration(`the test kit of workflow '${name}': attemptsMax must be 1 or more; got ${String(attemptsMax)}`)
  durationMs(patience, `the test kit of workflow '${name}': patience`)
  return new World({ clock: clock ?? new VirtualClock(start), seed, patience, attemptsMax })
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
  committed: (change: Change) => void,
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
    shutdownTimeout: '0ms',
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
async function stopInTime(workflow: Workflow<AnyContract>, clock: VirtualClock): Promise<void> {
  let ended = false
  const end = (): void => {
    ended = true
  }
  const stopping = workflow.stop()
  stopping.then(end, end)
  for (let turn = 0; !ended; turn++) {
    await realTurn()
    // Handlers in hand have some turns to end by themselves.
    if (!ended && turn >= 8 && !clock.busy && clock.nextInMs() <= stopMsMax) clock.fireNext()
  }
  await stopping
}

/** The limit of the stop and what comes after it. */
const stopMsMax = 5_000

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
