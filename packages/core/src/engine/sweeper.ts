/**
 * Looks for runs whose event was lost: not finished, older than anything that a reader still has before it, with
 * something to do, and with nothing that would come back to them. Their event is sent once more; for a run that was not
 * lost it is a duplicate, which changes nothing. A crash loses the place in the listing: the next sweep begins anew.
 */
import { isWorkflowError } from '../errors.ts'
import type { RunRecord } from '../model/run-record.ts'
import { slotOf } from '../model/slot.ts'
import { noteOf } from './attempt-notes.ts'
import { runFields } from './log-fields.ts'
import { sleep } from './waiting.ts'
import { eventAgain } from './transition.ts'
import { callbackStream, joinOf, processNames, type WorkerContext } from './worker-context.ts'

/** A run counts as forgotten only when it is this much older than the oldest event in hand. */
const marginMs = 60_000
/** A run that has stood still for so long is looked at whatever the backlog: at worst its event comes twice. */
const hiddenMsMax = 3_600_000
const pageSize = 200
/** One sweep reads at most so many pages, and no further one once so many runs needed more than their listing. */
const pagesMax = 10
const looksMax = 400
/** A run whose event was sent again for nothing is left alone for ever longer, from the margin up to this. */
const againMsMax = 3_600_000
/** More statuses than that, and somebody has other worries. */
const strangeMax = 100
/** Of so many runs is known that their event was sent again, or may have to be. */
const askedMax = 10_000
/** More timers than this no run has open, unless it is one that sending its event again cannot harm either. */
const timersMax = 1_000

export interface SweeperOptions {
  readonly everyMs: number
  readonly receiver: string
  readonly openSlots: () => readonly number[]
}

/** How sure it is that a run has something to do. What has come up beside its version may have come up a moment ago. */
type Doing = 'nothing' | 'perhaps' | 'newly' | 'something'

interface Asked {
  readonly version: number
  readonly waitMs: number
  /** On the monotonic clock. */
  readonly until: number
}

export class Sweeper {
  readonly #ctx: WorkerContext
  readonly #options: SweeperOptions
  #after: string | undefined
  /** By run id, the longest ago first. */
  readonly #asked = new Map<string, Asked>()
  /** Statuses that the graph does not have, each told once. */
  readonly #strange = new Set<string>()

  constructor(ctx: WorkerContext, options: SweeperOptions) {
    this.#ctx = ctx
    this.#options = options
  }

  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await sleep(this.#ctx.clock, this.#options.everyMs, stop).catch(() => undefined)
      if (stop.aborted) return
      try {
        await this.sweep(stop)
      } catch (error) {
        if (stop.aborted || isWorkflowError(error, 'Stopped')) return
        this.#ctx.logger.error({ workflow: this.#ctx.contract.name, process: 'sweeper', error }, 'the sweep failed; it comes again')
      }
    }
  }

  /** Some pages; the next call goes on where this one ended. Returns how many events were sent again. */
  async sweep(stop: AbortSignal): Promise<number> {
    const ctx = this.#ctx
    if (this.#options.openSlots().length === 0) return 0
    const info = (await ctx.streamer.receivers(ctx.contract.name)).find((receiver) => receiver.name === this.#options.receiver)
    // What is not acknowledged because it is in hand, perhaps for hours, hides nothing that is still to be read.
    const unread = info !== undefined && info.lag > ctx.lanes.size ? info.oldest : undefined
    const now = ctx.clock.now()
    // Another instance's long handler looks like a backlog from here: after a while it hides nothing any more, either.
    const before = new Date(Math.max(Math.min(unread?.getTime() ?? Infinity, now) - marginMs, now - hiddenMsMax))
    let sent = 0
    let looks = 0
    for (let pages = 0; pages < pagesMax && looks < looksMax && !stop.aborted; pages++) {
      const page = await ctx.store.list(
        // By state alone: a run whose data is to be deleted may be at any status.
        { workflowName: ctx.contract.name, runState: ['Initiated', 'Running', 'RequestedDataDeleted'], updatedBefore: before },
        { limit: pageSize, ...(this.#after === undefined ? undefined : { after: this.#after }) },
      )
      for (const listed of page.items) {
        if (stop.aborted) return sent
        if (!this.#concerns(listed)) continue
        looks += 1
        if (await this.#swept(listed, stop)) sent += 1
      }
      this.#after = page.next
      if (page.next === undefined) break
    }
    return sent
  }

  /** Whether a look at the run could find something, by what is known of it without asking the store. */
  #concerns(listed: RunRecord): boolean {
    const ctx = this.#ctx
    // What is in hand here is not forgotten; whoever else has the slot sweeps it.
    if (ctx.slotKeeper.open(slotOf(listed.runId, ctx.slots)) === undefined || ctx.lanes.lane(listed.runId) !== undefined) return false
    const asked = this.#asked.get(listed.runId)
    if (asked !== undefined && asked.version === listed.version && asked.until > ctx.clock.monotonic()) return false
    if (listed.runState === 'RequestedDataDeleted') return true
    const exits = ctx.contract.graph.get(listed.status)
    if (exits === undefined) this.#tellStrange(listed)
    // The timers of a later stay were written with the entry into it.
    return (
      exits?.step !== undefined ||
      exits?.join !== undefined ||
      exits?.callback !== undefined ||
      (exits?.timeout !== undefined && listed.entered.version === 1)
    )
  }

  #tellStrange(listed: RunRecord): void {
    const { status } = listed
    if (this.#strange.has(status) || this.#strange.size === strangeMax) return
    this.#strange.add(status)
    this.#ctx.logger.warn(
      { ...runFields(listed, 'sweeper'), status },
      'runs stand at a status that the graph of this code does not have: is this older code, or does another service use the name of this workflow?',
    )
  }

  /** One run that cannot be read does not keep the others from being found. */
  async #swept(listed: RunRecord, stop: AbortSignal): Promise<boolean> {
    try {
      return await this.#look(listed, stop)
    } catch (error) {
      if (stop.aborted || isWorkflowError(error, 'Stopped') || (isWorkflowError(error) && error.retryable)) throw error
      this.#ctx.logger.error({ ...runFields(listed, 'sweeper'), error }, 'a run could not be looked at; the sweep goes on with the others')
      return false
    }
  }

  async #look(listed: RunRecord, stop: AbortSignal): Promise<boolean> {
    const ctx = this.#ctx
    const doing = await this.#doing(listed)
    const asked = this.#asked.get(listed.runId)
    const again = asked?.version === listed.version
    // Only where there is room to remember it: of a stream that has lost a great many events, none may be put off for ever.
    if (doing === 'newly' && !again && this.#asked.size < askedMax) {
      // The event is on its way: only if the next sweep finds the same it is lost.
      this.#remember(listed, 0)
      return false
    }
    if (doing === 'nothing' || (doing === 'perhaps' && again && asked.waitMs > 0) || (await this.#comesBack(listed))) return false
    const record = await ctx.store.lookup(listed.runId)
    if (
      record === undefined ||
      record.version !== listed.version ||
      record.runState !== listed.runState ||
      ctx.lanes.lane(record.runId) !== undefined
    )
      return false
    ctx.logger[doing === 'perhaps' ? 'debug' : 'warn'](
      runFields(record, 'sweeper'),
      'nothing has come of this run for long: sending its event again',
    )
    await ctx.committer.commit({ id: ctx.ids.unit(), emit: [eventAgain(ctx, record, 'reemit')] }, stop)
    this.#remember(record, again ? Math.min(Math.max(asked.waitMs * 2, marginMs), againMsMax) : marginMs)
    return true
  }

  /** What there is to do for a run, with as few questions as its status allows. */
  async #doing(listed: RunRecord): Promise<Doing> {
    const ctx = this.#ctx
    const { runId, status } = listed
    if (listed.runState === 'RequestedDataDeleted') return 'something'
    const exits = ctx.contract.graph.get(status)
    if (exits === undefined) return 'nothing'
    if (exits.callback !== undefined && (await ctx.store.items(runId, callbackStream(status), { limit: 1 })).items.length > 0)
      return 'newly'
    if (exits.step !== undefined || exits.join !== undefined) {
      // A listing has no notes.
      const record = await ctx.store.lookup(runId)
      if (record === undefined || record.version !== listed.version) return 'nothing'
      if (exits.step !== undefined && noteOf(record, processNames.step(status))?.kind !== 'skipped') return 'something'
      // Who waits for children is woken by the last one.
      if (
        exits.join !== undefined &&
        noteOf(record, processNames.join(status))?.kind !== 'skipped' &&
        (await ctx.store.unfinishedChildren(runId, joinOf(status, record.entered.version), 1)) === 0
      )
        return 'newly'
    }
    return exits.timeout !== undefined && listed.entered.version === 1 ? await this.#timersToStart(listed) : 'nothing'
  }

  /** Whoever created the run may have had no code for its timers: its first event makes them. */
  async #timersToStart({ runId, status, entered }: RunRecord): Promise<Doing> {
    const { definition, store } = this.#ctx
    let missing = definition.timeouts.get(status) ?? []
    for (const which of ['open', 'settled'] as const) {
      if (missing.length === 0) return 'nothing'
      // The first page holds them: they are older than the retries of this stay.
      const { items } = await store.timers.list({ owner: runId, status: which }, { limit: timersMax })
      const names = new Set(items.filter(({ key }) => key.kind === 'timeout' && key.epoch === entered.version).map(({ key }) => key.name))
      missing = missing.filter(({ name }) => !names.has(name))
    }
    if (missing.length === 0) return 'nothing'
    // A function may have said that there is no timer: asking it once more is enough.
    return missing.some(({ timer }) => typeof timer !== 'function') ? 'something' : 'perhaps'
  }

  /** A retry that is planned does what the event would do. A timeout does not: it may be days away. */
  async #comesBack({ runId }: RunRecord): Promise<boolean> {
    const timers = await this.#ctx.store.timers.list({ owner: runId, status: 'open' }, { limit: timersMax })
    return timers.items.some(({ key, held }) => key.kind === 'retry' && !held)
  }

  #remember({ runId, version }: RunRecord, waitMs: number): void {
    this.#asked.delete(runId)
    this.#asked.set(runId, { version, waitMs, until: this.#ctx.clock.monotonic() + waitMs })
    for (const longestAgo of this.#asked.keys()) {
      if (this.#asked.size <= askedMax) return
      this.#asked.delete(longestAgo)
    }
  }
}
