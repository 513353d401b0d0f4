/**
 * A workflow at work in this process: its slots, its readers, its timers, and the processes that show in `states()`.
 * Everything that runs is started here and ended here.
 */
import { Stopped } from '../errors.ts'
import type { DefinitionModel, HandlerOptionsModel, HookKind } from '../model/definition.ts'
import { roleOf } from '../model/role.ts'
import type { RunEvent } from '../model/run-event.ts'
import type { RunRecord } from '../model/run-record.ts'
import { slotOf } from '../model/slot.ts'
import { soonestOf, type Timer } from '../model/timer.ts'
import type { Connector } from '../ports/connector.ts'
import type { Delivery } from '../ports/event-streamer.ts'
import type { RoleScheduler } from '../ports/role-scheduler.ts'
import { acknowledge } from './acknowledge.ts'
import { connectorOf, ConnectorRunner } from './connector.ts'
import type { EngineContext } from './engine-context.ts'
import { Executions } from './execution.ts'
import { HookRunner, isOfHook } from './hook.ts'
import { Intake } from './intake.ts'
import { Lanes, type LaneTask } from './lanes.ts'
import { Process, type ProcessStateName } from './process.ts'
import type { ResolvedProcessOptions } from './process-options.ts'
import { type RunTask, taskOfEvent, taskOfHandOff, taskOfTimer } from './run-task.ts'
import { runsReceiver } from './receivers.ts'
import { RunWorker } from './run-worker.ts'
import { type ScheduleInput, Schedules } from './schedule.ts'
import { Slots } from './slots.ts'
import { solitudeOf } from './solitude.ts'
import { Sweeper } from './sweeper.ts'
import { TimerPoller } from './timer-poller.ts'
import { untimed } from './timed-ports.ts'
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
/** After the limit of a stop, what was aborted has so long to give its roles back. */
const graceMs = 1_000

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
  readonly #intake: Intake
  #opening: Promise<void> | undefined
  #loops: Promise<unknown> | undefined
  /** The loops that have not ended. */
  readonly #alive = new Set<string>()
  readonly #listening: Disposable[] = []
  /** What is due here and has no code here: told once. */
  readonly #unknown = new Set<string>()
  #state: 'new' | 'running' | 'stopped' = 'new'
  #failed: string | undefined

  constructor(engine: EngineContext, options: WorkerOptions) {
    this.#options = options
    this.#executions = new Executions(engine.clock)
    const runWorker = (): RunWorker => worker
    this.#lanes = new Lanes(options.maxInFlight, (task, lane) => runWorker().work(task, lane))
    this.#slots = new Slots(engine, {
      scheduler: options.scheduler,
      generation: options.generation,
      carefulTasks: options.maxInFlight,
      assign: async (claims) => {
        await this.#intake.assign(claims, this.#stopping.signal)
        this.#poller.wake()
      },
      drained: (slot) => this.#drained(slot),
      abandon: (slot, reason) => this.#abandon(slot, reason),
    })
    this.#ctx = {
      ...engine,
      definition: options.definition,
      lanes: this.#lanes,
      slotKeeper: this.#slots,
      executions: this.#executions,
      solitude: solitudeOf(untimed(engine.store)),
      processes: this.#processes,
      retryInPlaceMs: options.retryInPlaceMs,
      autoResumeMs: options.autoResumeMs,
      stopping: this.#stopping.signal,
      timersChanged: (ops) => this.#poller.wake(soonestOf(ops)),
    }
    this.#schedules = new Schedules(this.#ctx, options.registered)
    this.#addProcesses()
    const worker = new RunWorker(this.#ctx)
    const { outbox, maxInFlight } = options
    this.#intake = new Intake(this.#ctx, {
      hooks: this.#hooks,
      maxInFlight,
      ...(outbox === undefined ? undefined : { outbox: { process: this.#add('outbox', outbox.options), batch: outbox.batch } }),
      offer: (delivery) => this.#offerEvent(delivery),
      fenced: (slots) => this.#slots.fenced(slots),
    })
    this.#poller = new TimerPoller(this.#ctx, {
      pollingMs: processOf(this.#ctx, 'timers').options.pollingFrequencyMs,
      openSlots: () => this.#slots.openSlots(),
      dispatch: (timer, end) => this.#dispatch(timer, end),
    })
  }

  /** Resolves when every process has registered. If that fails, or the workflow is stopped meanwhile, nothing is left open. */
  async run(): Promise<void> {
    const ctx = this.#ctx
    const stop = this.#stopping.signal
    this.#opening = this.#open(stop)
    await this.#opening
    stop.throwIfAborted()
    this.#state = 'running'
    this.#listening.push(
      ctx.committed.add((record, sentAt) => this.#offerHandOff(record, sentAt)),
      ctx.store.onConnectionLost(() => ctx.cache.clear()),
    )
    const timersChanged = ctx.store.timers.onChange?.((soonestMs) => this.#poller.wake(soonestMs))
    if (timersChanged !== undefined) this.#listening.push(timersChanged)
    const sweeper = new Sweeper(ctx, {
      everyMs: this.#options.sweepMs,
      receiver: runsReceiver(ctx.contract.name),
      openSlots: () => this.#slots.openSlots(),
    })
    this.#loops = Promise.all([
      this.#watched('slots', this.#slots.run(stop)),
      this.#watched('timers', this.#poller.run(stop)),
      this.#watched('sweeper', sweeper.run(stop)),
      ...this.#intake.sources.map((source) => this.#watched(source.name, source.run(stop))),
      ...[...this.#connectors].map(([name, connector]) => this.#watched(name, connector.run(stop))),
    ])
  }

  async #open(stop: AbortSignal): Promise<void> {
    // Whoever cannot be asked gives nobody a role: without this an instance that will never work would be ready.
    await this.#options.scheduler.holders([roleOf(this.#ctx.contract.name, 0)])
    stop.throwIfAborted()
    await this.#intake.open(stop)
  }

  /**
   * Takes no more work, lets handlers finish within the limit, gives up the rest. Resolves a moment after the limit at the
   * latest, also when something that this hangs on never answers.
   */
  async stop(timeoutMs: number): Promise<void> {
    const { clock, contract, logger } = this.#ctx
    this.#stopping.abort(new Stopped(`workflow '${contract.name}' is stopping`))
    for (const listener of this.#listening.splice(0)) listener[Symbol.dispose]()
    for (const { lagWatch } of this.#processes.values()) lagWatch?.[Symbol.dispose]()
    const over = Promise.withResolvers<'over'>()
    let timer = clock.setTimer(timeoutMs, () => {
      const reason = new Stopped(`workflow '${contract.name}' has stopped and waits no longer for its handlers`)
      logger.warn({ workflow: contract.name, handlers: this.#executions.size }, 'handlers did not finish in time: aborting them')
      this.#executions.abort(reason)
      this.#slots.abort(reason)
      timer = clock.setTimer(graceMs, () => over.resolve('over'))
    })
    const how = await Promise.race([this.#end(), over.promise])
    timer[Symbol.dispose]()
    if (how === 'over') {
      logger.error(
        { workflow: contract.name, processes: [...this.#alive] },
        'the stop waits no longer for what does not answer; roles that were not given back expire',
      )
      void this.#intake.close()
    }
    this.#state = 'stopped'
  }

  /** What each process of this instance is at. */
  states(): readonly { readonly name: string; readonly state: ProcessStateName }[] {
    const working: ProcessStateName =
      this.#state === 'stopped' ? 'shutdown' : this.#state === 'running' && this.#slots.size > 0 ? 'running' : 'idle'
    return [...this.#processes.keys()].map((name) => {
      const connector = this.#connectors.get(name)
      return { name, state: connector === undefined || this.#state !== 'running' ? working : connector.held ? 'running' : 'idle' }
    })
  }

  /** How many slots this instance holds. */
  get slotsHeld(): number {
    return this.#slots.size
  }

  /** How many events of runs are in hand, of how many at most. */
  get inFlight(): { readonly events: number; readonly limit: number } {
    return { events: this.#lanes.size, limit: this.#lanes.limit }
  }

  /** The process that has ended although nobody stopped it. */
  get failed(): string | undefined {
    return this.#failed
  }

  #add(name: string, options: ResolvedProcessOptions): Process {
    const process = new Process(name, options, this.#options.definition.contract.name)
    this.#processes.set(name, process)
    return process
  }

  #addProcesses(): void {
    const { definition, resolve, connectors, scheduler, generation, maxInFlight, api } = this.#options
    for (const [status, { options }] of definition.steps) this.#add(processNames.step(status), resolve(options))
    // Several callbacks of a status are one process: they share the inbox. The first says how it behaves.
    for (const [status, [first]] of definition.callbacks) this.#add(processNames.callback(status), resolve(first?.options ?? {}))
    for (const [status, timeouts] of definition.timeouts)
      for (const timeout of timeouts) this.#add(processNames.timeout(status, timeout.name), resolve(timeout.options))
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
      this.#connectors.set(
        process.name,
        new ConnectorRunner(this.#ctx, process, { name, model, source, scheduler, generation, limit: maxInFlight, ordinal, api }),
      )
    }
    this.#add(processNames.deletion, { ...resolve({}), pauseAfterErrCount: Infinity })
    this.#add('timers', resolve({}))
    this.#add('sweeper', resolve({}))
  }

  /** Everything that runs has ended, and everything that was opened is closed. */
  async #end(): Promise<void> {
    await this.#opening?.catch(() => undefined)
    await this.#loops
    await this.#intake.close()
  }

  /** Most events are of commits that this process has made and gone on from: those are done without a place in the window. */
  #offerEvent(delivery: Delivery<RunEvent>): void {
    const { event } = delivery
    const { cache, lanes, measures } = this.#ctx
    if (event.kind !== 'wake' && cache.newestVersion(event.runId) > event.version) {
      measures.skipped('runs', 'already handled')
      acknowledge(this.#ctx, delivery)
      return
    }
    lanes.offer(taskOfEvent(delivery))
  }

  /** Everywhere where work of slots is in hand. */
  #windows(): readonly Pick<Lanes<LaneTask>, 'drop' | 'idle'>[] {
    return [
      this.#lanes,
      ...[...this.#hooks.values()].map((hook) => hook.lanes),
      ...[...this.#connectors.values()].map((connector) => connector.retries),
    ]
  }

  #drop(slot: number): void {
    for (const window of this.#windows()) window.drop(slot)
    for (const process of this.#processes.values()) process.gate.evict(slot)
  }

  async #drained(slot: number): Promise<void> {
    this.#drop(slot)
    await Promise.all(this.#windows().map((window) => window.idle(slot)))
  }

  #abandon(slot: number, reason: unknown): void {
    this.#executions.abort(reason, slot)
    this.#drop(slot)
  }

  /** What this process has committed itself needs not come back through the stream. */
  #offerHandOff(record: RunRecord, sentAt: number): void {
    if (record.workflowName !== this.#ctx.contract.name || (record.runState !== 'Initiated' && record.runState !== 'Running')) return
    if (this.#lanes.size >= this.#lanes.limit / 2 || this.#lanes.lane(record.runId) !== undefined) return
    // The answer to the commit was so long on its way that the run has been worked on meanwhile.
    if (this.#ctx.cache.isOutdated(record, sentAt)) return
    const slot = slotOf(record.runId, this.#ctx.slots)
    const held = this.#slots.open(slot)
    // What was sent before the slot came here says nothing of what its holder in between has noted.
    if (held !== undefined && sentAt > held.since) this.#lanes.offer(taskOfHandOff(record, slot))
  }

  #dispatch(timer: Timer, end: () => void): void {
    if (timer.key.kind === 'schedule') return void this.#fire(timer).finally(end)
    const { contract, logger } = this.#ctx
    const source = connectorOf(contract.name, timer)
    if (source === undefined && !isOfHook(timer)) return this.#lanes.offer(taskOfTimer(timer, end))
    const process = source === undefined ? timer.key.name : processNames.connector(source)
    const connector = this.#connectors.get(process)
    if (connector !== undefined) return connector.retry(timer, end)
    const hook = this.#hooks.get(process)
    if (hook !== undefined) return hook.retry(timer, end)
    // It stays open for an instance that has the code.
    if (!this.#unknown.has(process))
      logger.warn(
        { workflow: contract.name, process, at: timer.at },
        'a retry is due whose code is not in this process: it waits for one that has it',
      )
    this.#unknown.add(process)
    end()
  }

  async #fire(timer: Timer): Promise<void> {
    const ctx = this.#ctx
    const held = this.#slots.open(timer.slot)
    if (held === undefined || !held.lease.isValid()) return
    try {
      const { deadlineMs } = processOf(ctx, 'timers').options
      const fired = await this.#schedules.fire(timer, held.signal, (work) => ctx.executions.within(timer.slot, deadlineMs, work))
      if (fired === 'fired' || fired === 'skipped') return
      if (fired === 'not here')
        ctx.logger.warn(
          { workflow: ctx.contract.name, process: 'timers', schedule: timer.key.owner },
          'a schedule is due whose code is not registered in this process: call schedule() at every start',
        )
    } catch (error) {
      ctx.logger.error(
        { workflow: ctx.contract.name, process: 'timers', schedule: timer.key.owner, error },
        'a schedule could not be fired; trying again',
      )
    }
    await sleep(ctx.clock, scheduleAgainMs, ctx.stopping).catch(() => undefined)
  }

  async #watched(name: string, loop: Promise<void>): Promise<void> {
    this.#alive.add(name)
    try {
      await loop
    } catch (error) {
      this.#ctx.logger.error({ workflow: this.#ctx.contract.name, process: name, error }, 'a process has ended by a fault of the engine')
    }
    this.#alive.delete(name)
    if (!this.#stopping.signal.aborted) this.#failed = name
  }
}
