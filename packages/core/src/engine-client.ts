/** A client at run time. Its types are those of `WorkflowClient`; what the compiler refuses in TypeScript is refused here for everybody. */
import type { AnyContract } from './any-contract.ts'
import type { Compatibility, CompatibilityOptions } from './compatibility.ts'
import { InvalidArgument, Stopped } from './errors.ts'
import { type AwaitInput, awaitCompletion, awaitStatus } from './engine/await-run.ts'
import type { AuditInput, Controlled, RetryInput } from './engine/control.ts'
import type { EngineContext } from './engine/engine-context.ts'
import { find } from './engine/find-run.ts'
import { Ids } from './engine/ids.ts'
import type { CallbackInput, Receipt, TargetInput } from './engine/send-callback.ts'
import type { ScheduleInput } from './engine/schedule.ts'
import { listedSnapshotOf, snapshotOf } from './engine/snapshot.ts'
import { assertRunId, trigger, type TriggerInput } from './engine/trigger.ts'
import { Watch } from './engine/watch.ts'
import { runsReceiver } from './engine/receivers.ts'
import type { Timeouts } from './engine/run-needs.ts'
import type { Explanation } from './explanation.ts'
import { pageOf, runQueryOf } from './list-query.ts'
import { type DiagramOptions, mermaid } from './model/mermaid.ts'
import { shown } from './model/option-check.ts'
import { type TransitionGraph, transitionGraphOf } from './model/transition-graph.ts'
import type { RoleScheduler } from './ports/role-scheduler.ts'
import type { ConsumerLag, RunChange } from './run-changes.ts'
import type { RunHistoryEntry } from './run-history.ts'
import type { MovePreview } from './run-move.ts'
import type { RunTimer, TimersQuery } from './run-timers.ts'
import type { AnySnapshot, TriggerResult } from './run.ts'
import type { CountQuery, ListQuery, ResultPage, ScheduleHandle } from './workflow-client.ts'

/** What a seeded client does like any other. */
const sharedMethods = [
  'await',
  'awaitCompletion',
  'schedule',
  'pause',
  'resume',
  'cancel',
  'deleteData',
  'moveTo',
  'previewMove',
  'retry',
  'lookup',
  'list',
  'count',
  'history',
  'timers',
  'changes',
  'lag',
  'explain',
  'compatibility',
  'diagram',
  'graph',
] as const

// Loaded by the first callback and kept: import() looks its module up anew each time, and a callback may come for every run.
let sendingModule: ReturnType<typeof loadSending> | undefined
const loadSending = async () => await import('./engine/send-callback.ts')
async function sending(): ReturnType<typeof loadSending> {
  try {
    return await (sendingModule ??= loadSending())
  } catch (error) {
    sendingModule = undefined
    throw error
  }
}

type TriggerItems = readonly (TriggerInput & { readonly foreignId: string })[]

export class EngineClient {
  readonly contract: AnyContract
  /** The schedules whose code is in this process, by owner. */
  protected readonly registered: Map<string, ScheduleInput> = new Map<string, ScheduleInput>()
  readonly #ctx: EngineContext
  readonly #watch: Watch
  readonly #endWatch: Watch
  readonly #scheduler: RoleScheduler | undefined
  readonly #timeouts: Timeouts
  readonly #closed = new AbortController()
  #ensured: Promise<void> | undefined
  #isReady = false

  constructor(contract: AnyContract, ctx: EngineContext, timeouts: Timeouts, scheduler?: RoleScheduler) {
    this.contract = contract
    this.#ctx = ctx
    this.#watch = new Watch(ctx, false)
    this.#endWatch = new Watch(ctx, true)
    this.#timeouts = timeouts
    this.#scheduler = scheduler
  }

  trigger(foreignId: string, options: TriggerInput): Promise<string> {
    return this.triggerAs(undefined, foreignId, options)
  }

  triggerMany(items: TriggerItems): Promise<readonly TriggerResult[]> {
    return this.#triggerMany(items, () => undefined)
  }

  /** `runId`: the same cause gives the same run. */
  triggerAs(runId: string | undefined, foreignId: string, options: TriggerInput): Promise<string> {
    const start = (): Promise<string> => this.#withLimit((signal) => trigger(this.#ctx, foreignId, options, signal, runId))
    return this.#isReady ? start() : this.#ready().then(start)
  }

  async await(runId: string, status: string | readonly string[], options: AwaitInput = {}): Promise<AnySnapshot> {
    await this.#ready()
    return await awaitStatus(this.#ctx, this.#watch, runId, typeof status === 'string' ? [status] : status, options)
  }

  awaitCompletion(runId: string, options: AwaitInput = {}): Promise<AnySnapshot> {
    const start = (): Promise<AnySnapshot> => awaitCompletion(this.#ctx, this.#endWatch, runId, options)
    return this.#isReady ? start() : this.#ready().then(start)
  }

  async callback(target: TargetInput, status: string, payload?: unknown, options: CallbackInput = {}): Promise<Receipt | AnySnapshot> {
    await this.#ready()
    this.#assertOptions(options)
    const { sendCallback } = await sending()
    return await sendCallback(this.#ctx, this.#watch, target, status, payload, options)
  }

  async schedule(foreignId: string, spec: string, options: ScheduleInput): Promise<ScheduleHandle> {
    await this.#ready()
    if (this.#scheduler === undefined && (typeof options?.initialValue === 'function' || options?.filter !== undefined)) {
      throw new InvalidArgument(
        `schedule('${foreignId}') of workflow '${this.#ctx.contract.name}' has a function, and this client runs no handlers: call schedule() on the built workflow, or give a plain initialValue`,
      )
    }
    const { Schedules } = await import('./engine/schedule.ts')
    const schedules = new Schedules(this.#ctx, this.registered)
    const end = await this.#withLimit((signal) => schedules.register(foreignId, spec, options, signal))
    const stop = async (): Promise<void> => await this.#withLimit((signal) => end(signal))
    return { stop, [Symbol.asyncDispose]: stop }
  }

  async pause(runId: string, audit: AuditInput): Promise<void> {
    await this.#control(runId, 'Paused', audit)
  }

  async resume(runId: string, audit: AuditInput): Promise<void> {
    await this.#control(runId, 'Running', audit)
  }

  async cancel(runId: string, audit: AuditInput): Promise<void> {
    await this.#control(runId, 'Cancelled', audit)
  }

  async deleteData(runId: string, audit: AuditInput): Promise<void> {
    await this.#control(runId, 'RequestedDataDeleted', audit)
  }

  async moveTo(runId: string, status: string, audit: AuditInput): Promise<void> {
    await this.#ready()
    const { moveTo } = await import('./engine/move-to.ts')
    await this.#withLimit((signal) => moveTo(this.#ctx, runId, status, audit, signal))
  }

  async previewMove(runId: string, status: string): Promise<MovePreview> {
    this.#closed.signal.throwIfAborted()
    const { previewMove } = await import('./engine/move-to.ts')
    return await this.#withLimit(() => previewMove(this.#ctx, runId, status))
  }

  async retry(runId: string, options: RetryInput = {}): Promise<string> {
    await this.#ready()
    this.#assertOptions(options)
    const { retry } = await import('./engine/control.ts')
    return await this.#withLimit((signal) => retry(this.#ctx, runId, options, signal))
  }

  // Who only asks leaves no topics behind, and needs no stream: none of the next makes anything ready.

  async lookup(runId: string): Promise<AnySnapshot | undefined> {
    this.#closed.signal.throwIfAborted()
    assertRunId(this.#ctx, runId)
    const record = await this.#withLimit(() => this.#ctx.store.lookup(runId))
    return record === undefined || record.workflowName !== this.#ctx.contract.name ? undefined : await snapshotOf(this.#ctx, record)
  }

  async list(query: ListQuery = {}): Promise<ResultPage<AnySnapshot>> {
    this.#closed.signal.throwIfAborted()
    this.#assertOptions(query)
    const asked = pageOf(query)
    const runs = runQueryOf(this.#ctx, query)
    const page = await this.#withLimit(() => this.#ctx.store.list(runs, asked))
    const items = await Promise.all(page.items.map((record) => listedSnapshotOf(this.#ctx, record)))
    return { items, ...(page.next === undefined ? undefined : { cursor: page.next }) }
  }

  async count(by: 'status' | 'state', query: CountQuery = {}): Promise<ReadonlyMap<string, number>> {
    this.#closed.signal.throwIfAborted()
    this.#assertOptions(query)
    if (by !== 'status' && by !== 'state') throw new InvalidArgument(`runs are counted by 'status' or by 'state'; got ${shown(by)}`)
    const runs = runQueryOf(this.#ctx, query)
    return await this.#withLimit(() => this.#ctx.store.count(runs, by === 'state' ? 'runState' : 'status'))
  }

  async timers(runId: string, query: TimersQuery = {}): Promise<ResultPage<RunTimer>> {
    this.#closed.signal.throwIfAborted()
    this.#assertOptions(query)
    assertRunId(this.#ctx, runId)
    const asked = pageOf(query)
    const { runTimersOf } = await import('./engine/run-timers.ts')
    await this.#withLimit(() => find(this.#ctx, runId))
    const page = await this.#withLimit(() => runTimersOf(this.#ctx, runId, {}, asked))
    return { items: page.items, ...(page.next === undefined ? undefined : { cursor: page.next }) }
  }

  async changes(options: { readonly signal: AbortSignal }): Promise<AsyncIterable<RunChange>> {
    this.#assertOptions(options)
    if (!(options.signal instanceof AbortSignal))
      throw new InvalidArgument(
        `changes() of workflow '${this.#ctx.contract.name}' needs { signal }, which ends it; got ${shown(options.signal)}`,
      )
    await this.#ready()
    const { changes } = await import('./engine/changes.ts')
    return await changes(this.#ctx, AbortSignal.any([options.signal, this.#closed.signal]))
  }

  async lag(): Promise<readonly ConsumerLag[]> {
    this.#closed.signal.throwIfAborted()
    const receivers = await this.#withLimit(() => this.#ctx.streamer.receivers(this.#ctx.contract.name))
    return receivers.map(({ name, lag, oldest }) => ({ name, events: lag, ...(oldest === undefined ? undefined : { oldest }) }))
  }

  async history(
    runId: string,
    query: { readonly objects?: boolean; readonly cursor?: string; readonly limit?: number } = {},
  ): Promise<ResultPage<RunHistoryEntry>> {
    this.#closed.signal.throwIfAborted()
    this.#assertOptions(query)
    assertRunId(this.#ctx, runId)
    const asked = { objects: query.objects ?? false, ...pageOf(query) }
    const { historyEntryOf } = await import('./engine/history-entry.ts')
    const record = await this.#withLimit(() => find(this.#ctx, runId))
    const page = await this.#withLimit(() => this.#ctx.store.history(runId, asked))
    const items = await Promise.all(page.items.map((entry) => historyEntryOf(this.#ctx, record, entry)))
    return { items, ...(page.next === undefined ? undefined : { cursor: page.next }) }
  }

  async explain(runId: string): Promise<Explanation> {
    this.#closed.signal.throwIfAborted()
    // Loaded by the first question: most processes are never asked.
    const { explain } = await import('./engine/explain.ts')
    return await this.#withLimit(() => explain(this.#ctx, runId, this.#scheduler, runsReceiver(this.#ctx.contract.name)))
  }

  async compatibility(options: CompatibilityOptions = {}): Promise<Compatibility> {
    this.#closed.signal.throwIfAborted()
    this.#assertOptions(options)
    const { compatibility } = await import('./engine/compatibility.ts')
    return await compatibility(this.#ctx, this.#timeouts, options)
  }

  diagram(options?: DiagramOptions): string {
    return mermaid(this.graph(), options)
  }

  graph(): TransitionGraph {
    return transitionGraphOf(this.#ctx.contract)
  }

  /** The same client, whose ids follow from a seed: what it starts or calls twice happens once. */
  seeded(seed: string): object {
    let calls = 0
    const next = (): string => Ids.derived(seed, String(calls++))
    const bound: { [name: string]: unknown } = { contract: this.contract }
    for (const name of sharedMethods) bound[name] = this[name].bind(this)
    return {
      ...bound,
      trigger: (foreignId: string, options: TriggerInput) => this.triggerAs(next(), foreignId, options),
      triggerMany: (items: TriggerItems) => this.#triggerMany(items, next),
      callback: (target: TargetInput, status: string, payload?: unknown, options: CallbackInput = {}) =>
        this.callback(target, status, payload, { key: next(), ...options }),
    }
  }

  /** Ends what waits; later calls reject with `Stopped`. */
  async close(): Promise<void> {
    this.#closed.abort(new Stopped(`workflow '${this.#ctx.contract.name}' has been stopped`))
    this.#isReady = false
    await Promise.all([this.#watch.close(this.#closed.signal.reason), this.#endWatch.close(this.#closed.signal.reason)])
  }

  /** Somebody else has made the topics and receivers: no call needs the stream for that any more. */
  protected streamIsReady(): void {
    if (this.#closed.signal.aborted) return
    this.#ensured = Promise.resolve()
    this.#isReady = true
  }

  /** The topics and the reader's first position exist before the first run does, whoever comes first. */
  async #ready(): Promise<void> {
    this.#closed.signal.throwIfAborted()
    if (this.#ensured !== undefined) return await this.#ensured
    const { streamer, topics, slots, contract } = this.#ctx
    const ensured = this.#withLimit(
      () =>
        streamer.ensure({
          workflowName: contract.name,
          topics: topics.all,
          slots,
          receivers: [{ name: runsReceiver(contract.name), topics: topics.work, from: 'earliest' }],
        }),
      'stream',
    )
    this.#ensured = ensured
    try {
      await ensured
      this.#isReady = !this.#closed.signal.aborted
    } catch (error) {
      this.#ensured = undefined
      throw error
    }
  }

  async #triggerMany(items: TriggerItems, nextRunId: () => string | undefined): Promise<readonly TriggerResult[]> {
    await this.#ready()
    const { triggerMany } = await import('./engine/trigger-many.ts')
    return await triggerMany(this.#ctx.contract.name, items, (foreignId, options) => this.triggerAs(nextRunId(), foreignId, options))
  }

  async #control(runId: string, to: Controlled, audit: AuditInput): Promise<void> {
    await this.#ready()
    // Loaded by the first person who steps in.
    const { control } = await import('./engine/control.ts')
    await this.#withLimit((signal) => control(this.#ctx, runId, to, audit, signal))
  }

  /** Gives up on a store that does not answer for as long as `storeTimeout`. */
  #withLimit<T>(work: (signal: AbortSignal) => Promise<T>, who?: 'stream'): Promise<T> {
    return this.#ctx.storeLimit.run(work, who)
  }

  #assertOptions(given: unknown): void {
    if (typeof given === 'object' && given !== null) return
    throw new InvalidArgument(`the options of a call of workflow '${this.#ctx.contract.name}' must be an object; got ${shown(given)}`)
  }
}
