/**
 * A workflow at work in this process: its slots, its readers, its timers, and the processes that show in `states()`.
 * Everything that runs is started here and ended here.
 */
import { Stopped } from '../errors.ts'
import type { DefinitionModel, HandlerOptionsModel, HookKind } from '../model/definition.ts'
import type { RunEvent } from '../model/run-event.ts'
import type { RunRecord } from '../model/run-record.ts'
import { slotOf } from '../model/slot.ts'
import type { Timer } from '../model/timer.ts'
import { topicOf } from '../model/topic.ts'
import type { Connector } from '../ports/connector.ts'
import type { Delivery, ReceiverSpec, SlotClaim } from '../ports/event-streamer.ts'
import type { Attributes } from '../ports/instrumentation.ts'
import type { RoleScheduler } from '../ports/role-scheduler.ts'
import { ackFailed } from './acknowledge.ts'
import { ConnectorRunner } from './connector.ts'
import type { EngineContext } from './engine-context.ts'
import { Executions } from './execution.ts'
import { HookRunner, hookStates } from './hook.ts'
import { labelsOf } from './labels.ts'
import { Lanes } from './lanes.ts'
import { OutboxRelay } from './outbox-relay.ts'
import { Process, type ProcessStateName } from './process.ts'
import type { ResolvedProcessOptions } from './process-options.ts'
import { Reader } from './reader.ts'
import { type RunTask, taskOfEvent, taskOfHandOff, taskOfTimer } from './run-task.ts'
import { hookReceiver, runsReceiver } from './receivers.ts'
import { RunWorker } from './run-worker.ts'
import { type ScheduleInput, Schedules } from './schedule.ts'
import { Slots } from './slots.ts'
import { solitudeOf } from './solitude.ts'
import { Sweeper } from './sweeper.ts'
import { TimerPoller } from './timer-poller.ts'
import { sleep } from './waiting.ts'
import { processNames, processOf, type WorkerContext } from './worker-context.ts'

export interface WorkerOptions {
  readonly definition: DefinitionModel
  readonly scheduler: RoleScheduler
  readonly generation: number
  readonly connectors: ReadonlyMap<string, Connector>
  /** The schedules whose code is in this process, by owner. */
  readonly registered: Map<string, ScheduleInput>
  readonly resolve: (own: HandlerOptionsModel) => ResolvedProcessOptions
  /** Absent: no relay. */
  readonly outbox?: { readonly options: ResolvedProcessOptions; readonly batch: number }
  readonly autoResumeMs: number
  readonly retryInPlaceMs: number
  readonly maxInFlight: number
  readonly sweepMs: number
  /** A client whose ids follow from a seed, for connectors. */
  readonly api: (seed: string) => object
}

/** A schedule that cannot be fired now is asked again after this long. */
const scheduleAgainMs = 5_000
const batchMin = 32

export class Worker {
  readonly #ctx: WorkerContext
  readonly #options: WorkerOptions
  readonly #stopping = new AbortController()
  readonly #processes = new Map<string, Process>()
  readonly #lanes: Lanes<RunTask>
  readonly #slots: Slots
  readonly #executions: Executions
  readonly #poller: TimerPoller
  readonly #schedules: Schedules
  readonly #hooks = new Map<string, HookRunner>()
  readonly #connectors = new Map<string, ConnectorRunner>()
  readonly #relay: OutboxRelay | undefined
  #readers: readonly Reader<RunEvent>[] = []
  #loops: Promise<unknown> | undefined
  #handOff: Disposable | undefined
  #state: 'new' | 'running' | 'stopped' = 'new'
  #failed: string | undefined
  readonly #handledLabels: Attributes

  constructor(engine: EngineContext, options: WorkerOptions) {
    this.#options = options
    this.#handledLabels = { ...labelsOf(engine, 'runs'), reason: 'already handled' }
    this.#executions = new Executions(engine.clock)
    const runWorker = (): RunWorker => worker
    this.#lanes = new Lanes(options.maxInFlight, (task, lane) => runWorker().work(task, lane))
    this.#slots = new Slots(engine, {
      scheduler: options.scheduler,
      generation: options.generation,
      carefulTasks: options.maxInFlight,
      assign: (claims) => this.#assign(claims),
      drained: (slot) => this.#drained(slot),
      abandon: (slot, reason) => this.#abandon(slot, reason),
    })
    this.#ctx = {
      ...engine,
      definition: options.definition,
      lanes: this.#lanes,
      slotKeeper: this.#slots,
      executions: this.#executions,
      solitude: solitudeOf(engine.store),
      processes: this.#processes,
      retryInPlaceMs: options.retryInPlaceMs,
      autoResumeMs: options.autoResumeMs,
      stopping: this.#stopping.signal,
      timersChanged: () => this.#poller.wake(),
    }
    const worker = new RunWorker(this.#ctx)
    this.#schedules = new Schedules(this.#ctx, options.registered)
    this.#addProcesses()
    const outbox = options.outbox
    this.#relay = outbox === undefined ? undefined : new OutboxRelay(this.#ctx, this.#add('outbox', outbox.options), outbox.batch, (slots) => this.#slots.fenced(slots))
    this.#poller = new TimerPoller(this.#ctx, {
      pollingMs: processOf(this.#ctx, 'timers').options.pollingFrequencyMs,
      openSlots: () => this.#slots.openSlots(),
      dispatch: (timer, end) => this.#dispatch(timer, end),
    })
  }

  /** Resolves when every process has registered. */
  async run(): Promise<void> {
    const ctx = this.#ctx
    const stop = this.#stopping.signal
    await ctx.streamer.ensure({ workflowName: ctx.contract.name, topics: ctx.topics.all, slots: ctx.slots, receivers: this.#receivers() })
    this.#readers = await this.#openReaders()
    await this.#relay?.open()
    if (stop.aborted) return
    this.#state = 'running'
    this.#handOff = ctx.committed.add((record) => this.#offerHandOff(record))
    const timersChanged = ctx.store.timers.onChange?.(() => this.#poller.wake())
    const connectionLost = ctx.store.onConnectionLost(() => ctx.cache.clear())
    const sweeper = new Sweeper(ctx, { everyMs: this.#options.sweepMs, receiver: runsReceiver(ctx.contract.name), openSlots: () => this.#slots.openSlots() })
    this.#loops = Promise.all([
      this.#watched('slots', this.#slots.run(stop)),
      this.#watched('timers', this.#poller.run(stop)),
      this.#watched('sweeper', sweeper.run(stop)),
      ...this.#readers.map((reader) => this.#watched(reader.name, reader.run(stop))),
      ...[...this.#connectors].map(([name, connector]) => this.#watched(name, connector.run(stop))),
      ...(this.#relay === undefined ? [] : [this.#watched('outbox', this.#relay.run(stop))]),
    ]).finally(() => {
      timersChanged?.[Symbol.dispose]()
      connectionLost[Symbol.dispose]()
    })
  }

  /** Takes no more work, lets handlers finish within the limit, gives up the rest. */
  async stop(timeoutMs: number): Promise<void> {
    const ctx = this.#ctx
    this.#stopping.abort(new Stopped(`workflow '${ctx.contract.name}' is stopping`))
    this.#handOff?.[Symbol.dispose]()
    const limit = ctx.clock.setTimer(timeoutMs, () => {
      const reason = new Stopped(`workflow '${ctx.contract.name}' has stopped and waits no longer for its handlers`)
      ctx.logger.warn({ workflow: ctx.contract.name, handlers: this.#executions.size }, 'handlers did not finish in time: aborting them')
      this.#executions.abort(reason)
      this.#slots.abort(reason)
    })
    await this.#loops
    limit[Symbol.dispose]()
    await Promise.all(this.#readers.map((reader) => reader.close()))
    await this.#relay?.close()
    this.#state = 'stopped'
  }

  /** What each process of this instance is at. */
  states(): readonly { readonly name: string; readonly state: ProcessStateName }[] {
    const working: ProcessStateName = this.#state === 'stopped' ? 'shutdown' : this.#state === 'running' && this.#slots.size > 0 ? 'running' : 'idle'
    return [...this.#processes.keys()].map((name) => {
      const connector = this.#connectors.get(name)
      return { name, state: connector === undefined || this.#state !== 'running' ? working : connector.held ? 'running' : 'idle' }
    })
  }

  /** The process that has ended although nobody stopped it. */
  get failed(): string | undefined {
    return this.#failed
  }

  #add(name: string, options: ResolvedProcessOptions): Process {
    const process = new Process(name, options)
    this.#processes.set(name, process)
    return process
  }

  #addProcesses(): void {
    const { definition, resolve, connectors, scheduler, generation, maxInFlight, api } = this.#options
    for (const [status, { options }] of definition.steps) this.#add(processNames.step(status), resolve(options))
    // Several callbacks of a status are one process: they share the inbox. The first says how it behaves.
    for (const [status, [first]] of definition.callbacks) this.#add(processNames.callback(status), resolve(first?.options ?? {}))
    for (const [status, timeouts] of definition.timeouts) for (const timeout of timeouts) this.#add(processNames.timeout(status, timeout.name), resolve(timeout.options))
    for (const [status, { options }] of definition.joins) this.#add(processNames.join(status), resolve(options))
    for (const kind of Object.keys(definition.hooks) as HookKind[]) {
      if (definition.hooks[kind].length === 0) continue
      const process = this.#add(processNames.hook(kind), resolve({}))
      this.#hooks.set(process.name, new HookRunner(this.#ctx, process, definition.hooks[kind], maxInFlight))
    }
    let ordinal = 0
    for (const [name, model] of definition.connectors) {
      const source = connectors.get(name)
      if (source === undefined) continue
      const process = this.#add(processNames.connector(name), resolve(model.options))
      ordinal -= 1
      this.#connectors.set(process.name, new ConnectorRunner(this.#ctx, process, { name, model, source, scheduler, generation, limit: maxInFlight, ordinal, api }))
    }
    this.#add(processNames.deletion, { ...resolve({}), pauseAfterErrCount: Infinity })
    this.#add('timers', resolve({}))
    this.#add('sweeper', resolve({}))
  }

  #receivers(): readonly ReceiverSpec[] {
    const { name } = this.#ctx.contract
    const receivers: ReceiverSpec[] = [{ name: runsReceiver(name), topics: this.#ctx.topics.work, from: 'earliest' }]
    for (const kind of this.#hookKinds()) receivers.push({ name: hookReceiver(name, kind), topics: this.#ctx.topics.state(hookStates[kind]), from: 'latest' })
    return receivers
  }

  #hookKinds(): readonly HookKind[] {
    const { hooks } = this.#options.definition
    return (Object.keys(hooks) as HookKind[]).filter((kind) => hooks[kind].length > 0)
  }

  async #openReaders(): Promise<readonly Reader<RunEvent>[]> {
    const ctx = this.#ctx
    const { maxInFlight } = this.#options
    const fenced = (slots: readonly number[]): void => this.#slots.fenced(slots)
    const readers: Reader<RunEvent>[] = []
    const { name } = ctx.contract
    const gates = [...this.#options.definition.steps.keys()].map((status) => ({ topic: topicOf(name, status), gate: processOf(ctx, processNames.step(status)).gate }))
    const share = Math.max(batchMin, Math.floor(maxInFlight / (2 * Math.max(1, gates.length))))
    const runs: Reader<RunEvent> = new Reader(ctx, {
      name: 'runs',
      receiver: await ctx.streamer.newReceiver({ durable: true, workflowName: name, name: runsReceiver(name), topics: ctx.topics.work, from: 'earliest', claims: [] }),
      window: this.#lanes,
      batch: Math.max(share, batchMin),
      offer: (delivery) => this.#offerEvent(delivery),
      except: () => {
        let except: Set<string> | undefined
        for (const { topic, gate } of gates) if (gate.waiting >= share) (except ??= new Set()).add(topic)
        return except
      },
      fenced,
      lost: (error) => ctx.logger.error({ workflow: name, process: 'runs', error }, 'the stream has lost events; the sweeper will find the runs that they were for'),
    })
    for (const { gate } of gates) {
      gate.drainedAt = Math.floor(share / 2)
      gate.onDrained = () => runs.nudge()
    }
    readers.push(runs)
    for (const kind of this.#hookKinds()) {
      const hook = this.#hooks.get(processNames.hook(kind))
      if (hook === undefined) continue
      readers.push(new Reader(ctx, {
        name: hook.process.name,
        receiver: await ctx.streamer.newReceiver({ durable: true, workflowName: name, name: hookReceiver(name, kind), topics: ctx.topics.state(hookStates[kind]), from: 'latest', claims: [] }),
        window: hook.lanes,
        batch: Math.floor(maxInFlight / 2) || 1,
        offer: (delivery) => hook.offer(delivery),
        fenced,
        lost: (error) => ctx.logger.error({ workflow: name, process: hook.process.name, error }, 'the stream has lost events: hooks may not have been called'),
      }))
    }
    return readers
  }

  async #assign(claims: readonly SlotClaim[]): Promise<void> {
    const stop = this.#stopping.signal
    await Promise.all([...this.#readers.map((reader) => reader.assign(claims, stop)), this.#relay?.assign(claims, stop)])
    this.#poller.wake()
  }

  /** Most events are of commits that this process has made and gone on from: those are done without a place in the window. */
  #offerEvent(delivery: Delivery<RunEvent>): void {
    const { event } = delivery
    const { cache, lanes, instrumentation } = this.#ctx
    if (event.kind !== 'wake' && cache.newestVersion(event.runId) > event.version && lanes.lane(event.runId) === undefined) {
      instrumentation.count('workflow_process_skipped_events_count', 1, this.#handledLabels)
      delivery.ack().catch((error: unknown) => ackFailed(this.#ctx, event.runId, error))
      return
    }
    lanes.offer(taskOfEvent(delivery))
  }

  async #drained(slot: number): Promise<void> {
    this.#lanes.drop(slot)
    for (const process of this.#processes.values()) process.gate.evict(slot)
    for (const hook of this.#hooks.values()) hook.lanes.drop(slot)
    await Promise.all([this.#lanes.idle(slot), ...[...this.#hooks.values()].map((hook) => hook.lanes.idle(slot))])
  }

  #abandon(slot: number, reason: unknown): void {
    this.#executions.abort(reason, slot)
    this.#lanes.drop(slot)
    for (const process of this.#processes.values()) process.gate.evict(slot)
    for (const hook of this.#hooks.values()) hook.lanes.drop(slot)
  }

  /** What this process has committed itself needs not come back through the stream. */
  #offerHandOff(record: RunRecord): void {
    if (record.workflowName !== this.#ctx.contract.name || (record.runState !== 'Initiated' && record.runState !== 'Running')) return
    if (this.#lanes.size >= this.#lanes.limit / 2 || this.#lanes.lane(record.runId) !== undefined) return
    const slot = slotOf(record.runId, this.#ctx.slots)
    if (this.#slots.open(slot) !== undefined) this.#lanes.offer(taskOfHandOff(record, slot))
  }

  #dispatch(timer: Timer, end: () => void): void {
    const { kind, name } = timer.key
    if (kind === 'schedule') return void this.#fire(timer).finally(end)
    const hook = kind === 'retry' ? this.#hooks.get(name) : undefined
    if (hook !== undefined) return hook.retry(timer, end)
    const owner = `connector:${this.#ctx.contract.name}/`
    const connector = timer.key.owner.startsWith(owner) ? this.#connectors.get(processNames.connector(timer.key.owner.slice(owner.length))) : undefined
    const held = this.#slots.open(timer.slot)
    if (connector !== undefined && held !== undefined) return void connector.retry(timer, end, held.signal).catch(end)
    this.#lanes.offer(taskOfTimer(timer, end))
  }

  async #fire(timer: Timer): Promise<void> {
    const ctx = this.#ctx
    const held = this.#slots.open(timer.slot)
    if (held === undefined || !held.lease.isValid()) return
    try {
      const fired = await this.#schedules.fire(timer, held.signal)
      if (fired === 'fired' || fired === 'skipped') return
      if (fired === 'not here') ctx.logger.warn({ workflow: ctx.contract.name, schedule: timer.key.owner }, 'a schedule is due whose code is not registered in this process: call schedule() at every start')
    } catch (error) {
      ctx.logger.error({ workflow: ctx.contract.name, schedule: timer.key.owner, error }, 'a schedule could not be fired; trying again')
    }
    await sleep(ctx.clock, scheduleAgainMs, ctx.stopping).catch(() => undefined)
  }

  async #watched(name: string, loop: Promise<void>): Promise<void> {
    try {
      await loop
    } catch (error) {
      this.#ctx.logger.error({ workflow: this.#ctx.contract.name, process: name, error }, 'a process has ended by a fault of the engine')
    }
    if (!this.#stopping.signal.aborted) this.#failed = name
  }
}
