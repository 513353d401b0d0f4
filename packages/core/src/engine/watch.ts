/**
 * Tells those that wait for a run that it may have moved. One ephemeral receiver for all of them, opened when the first
 * comes and closed a while after the last has gone; what this process commits itself is told at once. A wake-up is only
 * ever a reason to look: a missed one costs a poll, a false one a look-up.
 */
import { isWorkflowError } from '../errors.ts'
import type { EventReceiver } from '../ports/event-streamer.ts'
import type { RunEvent } from '../model/run-event.ts'
import type { RunRecord } from '../model/run-record.ts'
import { isFinished, type RunState } from '../model/run-state.ts'
import type { EngineContext } from './engine-context.ts'
import { atMost, sleep, turn } from './waiting.ts'

/** Somebody who waits for a run. */
export interface Watcher {
  /** Whether a run that has got here is worth a look. Cheap and synchronous. */
  readonly wants: (status: string, state: RunState | undefined) => boolean
  /** With the record where this process has committed it, without one where an event or the clock says: look. */
  readonly tell: (record: RunRecord | undefined) => void
  /** Nobody will tell any more. */
  readonly end: (reason: unknown) => void
}

const batch = 256
const lingerMs = 1_000
const retryMs = 1_000
const closeMsMax = 1_000

export class Watch {
  readonly #ctx: EngineContext
  readonly #watchers = new Map<string, Set<Watcher>>()
  #opening: Promise<void> | undefined
  #receiver: EventReceiver<RunEvent> | undefined
  /** Whatever was committed later than this, on the monotonic clock, comes through the receiver. */
  #openedAt = 0
  #stop: AbortController | undefined
  #pulling: Promise<void> | undefined
  #linger: Disposable | undefined
  #local: Disposable | undefined
  #poll: Disposable | undefined
  #ended: { readonly reason: unknown } | undefined

  readonly #topics: readonly string[]
  readonly #finishedOnly: boolean

  /** `finishedOnly`: for those that wait for the end of a run, who need not hear of every step on the way. */
  constructor(ctx: EngineContext, finishedOnly: boolean) {
    this.#ctx = ctx
    this.#finishedOnly = finishedOnly
    this.#topics = finishedOnly ? [...ctx.topics.state('Completed'), ...ctx.topics.state('Cancelled')] : ctx.topics.all
  }

  /** Resolves once every later move of the run will be told. Dispose the result to end it. */
  async add(runId: string, watcher: Watcher): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended.reason
    this.#linger?.[Symbol.dispose]()
    this.#linger = undefined
    let watchers = this.#watchers.get(runId)
    if (watchers === undefined) this.#watchers.set(runId, (watchers = new Set()))
    watchers.add(watcher)
    this.#poll ??= this.#armPoll()
    if (this.#receiver !== undefined) return
    try {
      await (this.#opening ??= this.#open())
    } catch (error) {
      this.remove(runId, watcher)
      throw error
    }
  }

  /**
   * The run, if this process has just moved it and nobody has since: whoever is told from here on needs no look before.
   * Undefined says nothing.
   */
  known(runId: string): RunRecord | undefined {
    return this.#receiver === undefined ? undefined : this.#ctx.cache.newest(runId, this.#openedAt)
  }

  async close(reason: unknown): Promise<void> {
    this.#ended = { reason }
    for (const watchers of this.#watchers.values()) for (const watcher of watchers) watcher.end(reason)
    // What does not answer must not hold up a stop.
    await atMost(this.#ctx.clock, closeMsMax, Promise.all([this.#opening?.catch(() => undefined), this.#shut()]))
  }

  remove(runId: string, watcher: Watcher): void {
    const watchers = this.#watchers.get(runId)
    watchers?.delete(watcher)
    if (watchers?.size === 0) this.#watchers.delete(runId)
    if (this.#watchers.size > 0) return
    this.#poll?.[Symbol.dispose]()
    this.#poll = undefined
    if (this.#ended !== undefined || this.#linger !== undefined) return
    this.#linger = this.#ctx.clock.setTimer(lingerMs, () => {
      this.#linger = undefined
      if (this.#watchers.size === 0) void this.#shut()
    })
  }

  async #open(): Promise<void> {
    try {
      const receiver = await this.#ctx.streamer.newReceiver({
        durable: false,
        workflowName: this.#ctx.contract.name,
        topics: this.#topics,
        from: 'latest',
      })
      if (this.#ended !== undefined) {
        // Nobody waits any more, not even whoever has closed this.
        void receiver[Symbol.asyncDispose]().then(undefined, () => undefined)
        return
      }
      const stop = new AbortController()
      this.#stop = stop
      this.#openedAt = this.#ctx.clock.monotonic()
      this.#local = this.#ctx.committed.add((record) => {
        if (!this.#finishedOnly || isFinished(record.runState)) this.#tell(record.runId, record.status, record.runState, record)
      })
      this.#receiver = receiver
      this.#pulling = this.#pull(receiver, stop.signal)
    } finally {
      this.#opening = undefined
    }
  }

  async #shut(): Promise<void> {
    this.#linger?.[Symbol.dispose]()
    this.#linger = undefined
    this.#poll?.[Symbol.dispose]()
    this.#poll = undefined
    const receiver = this.#receiver
    const pulling = this.#pulling
    this.#receiver = undefined
    this.#local?.[Symbol.dispose]()
    this.#stop?.abort()
    await pulling
    try {
      await receiver?.[Symbol.asyncDispose]()
    } catch (error) {
      // Nobody waits for this, or only a stop: an ephemeral receiver leaves nothing behind that could be mended.
      this.#ctx.logger.warn({ workflow: this.#ctx.contract.name, process: 'await', error }, 'closing the receiver of awaits failed')
    }
  }

  async #pull(receiver: EventReceiver<RunEvent>, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        for (const { event } of await receiver.receive({ max: batch, signal: stop })) {
          this.#ctx.cache.moved(event.runId, event.version)
          this.#tell(event.runId, event.status, event.states.at(-1), undefined)
        }
        await turn(this.#ctx.clock)
      } catch (error) {
        if (stop.aborted || isWorkflowError(error, 'Stopped')) return
        // What has come meanwhile may be lost: whatever is known from before is to be looked at again.
        this.#openedAt = Infinity
        this.#ctx.logger.warn(
          { workflow: this.#ctx.contract.name, process: 'await', error },
          'reading the stream failed; awaits look for themselves meanwhile',
        )
        await sleep(this.#ctx.clock, retryMs, stop).catch(() => undefined)
        this.#openedAt = this.#ctx.clock.monotonic()
      }
    }
  }

  #tell(runId: string, status: string, state: RunState | undefined, record: RunRecord | undefined): void {
    const watchers = this.#watchers.get(runId)
    if (watchers === undefined) return
    for (const watcher of watchers) if (watcher.wants(status, state)) watcher.tell(record)
  }

  /** One clock for all: whoever has waited since the last time looks for itself. */
  #armPoll(): Disposable {
    return this.#ctx.clock.setTimer(this.#ctx.awaitPollingMs, () => {
      for (const watchers of this.#watchers.values()) for (const watcher of watchers) watcher.tell(undefined)
      this.#poll = this.#watchers.size > 0 ? this.#armPoll() : undefined
    })
  }
}
