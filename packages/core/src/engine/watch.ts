/**
 * Tells those that wait for a run that it may have moved. One ephemeral receiver for all of them, opened when the first
 * comes and closed a while after the last has gone; what this process commits itself is told at once. A wake-up is only
 * ever a reason to look: a missed one costs a poll, a false one a look-up.
 */
import { isWorkflowError } from '../errors.ts'
import type { EventReceiver } from '../ports/event-streamer.ts'
import type { RunEvent } from '../model/run-event.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { EngineContext } from './engine-context.ts'
import { sleep, turn } from './waiting.ts'

/** Called with the record where this process has committed it, without one where an event says that something happened. */
export type Watcher = (record: RunRecord | undefined) => void

const batch = 256
const lingerMs = 1_000
const retryMs = 1_000

export class Watch {
  readonly #ctx: EngineContext
  readonly #watchers = new Map<string, Set<Watcher>>()
  #opening: Promise<void> | undefined
  #receiver: EventReceiver<RunEvent> | undefined
  #stop: AbortController | undefined
  #pulling: Promise<void> | undefined
  #linger: Disposable | undefined
  #local: Disposable | undefined
  #closed = false

  constructor(ctx: EngineContext) {
    this.#ctx = ctx
  }

  /** Resolves once every later move of the run will be told. Dispose the result to end it. */
  async add(runId: string, watcher: Watcher): Promise<Disposable> {
    this.#linger?.[Symbol.dispose]()
    this.#linger = undefined
    let watchers = this.#watchers.get(runId)
    if (watchers === undefined) this.#watchers.set(runId, (watchers = new Set()))
    watchers.add(watcher)
    const remove: Disposable = { [Symbol.dispose]: () => this.#remove(runId, watcher) }
    try {
      if (this.#receiver === undefined) await (this.#opening ??= this.#open())
      return remove
    } catch (error) {
      remove[Symbol.dispose]()
      throw error
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#shut()
  }

  #remove(runId: string, watcher: Watcher): void {
    const watchers = this.#watchers.get(runId)
    watchers?.delete(watcher)
    if (watchers?.size === 0) this.#watchers.delete(runId)
    if (this.#watchers.size > 0 || this.#closed || this.#linger !== undefined) return
    this.#linger = this.#ctx.clock.setTimer(lingerMs, () => {
      this.#linger = undefined
      if (this.#watchers.size === 0) void this.#shut()
    })
  }

  async #open(): Promise<void> {
    try {
      const receiver = await this.#ctx.streamer.newReceiver({ durable: false, workflowName: this.#ctx.contract.name, topics: this.#ctx.topics.all, from: 'latest' })
      const stop = new AbortController()
      this.#stop = stop
      this.#local = this.#ctx.committed.add((record) => this.#tell(record.runId, record))
      this.#receiver = receiver
      this.#pulling = this.#pull(receiver, stop.signal)
    } finally {
      this.#opening = undefined
    }
  }

  async #shut(): Promise<void> {
    this.#linger?.[Symbol.dispose]()
    this.#linger = undefined
    const receiver = this.#receiver
    const pulling = this.#pulling
    this.#receiver = undefined
    this.#local?.[Symbol.dispose]()
    this.#stop?.abort()
    await pulling
    await receiver?.[Symbol.asyncDispose]()
  }

  async #pull(receiver: EventReceiver<RunEvent>, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        for (const { event } of await receiver.receive({ max: batch, signal: stop })) {
          if (this.#watchers.has(event.runId)) this.#tell(event.runId, undefined)
        }
        await turn(this.#ctx.clock)
      } catch (error) {
        if (stop.aborted || isWorkflowError(error, 'Stopped')) return
        this.#ctx.logger.warn({ workflow: this.#ctx.contract.name, process: 'await', error }, 'reading the stream failed; awaits look for themselves meanwhile')
        await sleep(this.#ctx.clock, retryMs, stop).catch(() => undefined)
      }
    }
  }

  #tell(runId: string, record: RunRecord | undefined): void {
    const watchers = this.#watchers.get(runId)
    if (watchers === undefined) return
    for (const watcher of watchers) watcher(record)
  }
}
