/**
 * Looks for runs whose event was lost: not finished, older than anything that a reader still has before it, and with
 * nothing that would come back to them. Their event is sent once more; for a run that was not lost it is a duplicate,
 * which changes nothing.
 */
import { isWorkflowError } from '../errors.ts'
import { slotOf } from '../model/slot.ts'
import { eventAgain } from './transition.ts'
import type { WorkerContext } from './worker-context.ts'
import { sleep } from './waiting.ts'

/** A run counts as forgotten only when it is this much older than the oldest event in hand. */
const marginMs = 60_000
const pageSize = 200

export interface SweeperOptions {
  readonly everyMs: number
  readonly receiver: string
  readonly openSlots: () => readonly number[]
}

export class Sweeper {
  readonly #ctx: WorkerContext
  readonly #options: SweeperOptions
  readonly #statuses: readonly string[]
  #after: string | undefined

  constructor(ctx: WorkerContext, options: SweeperOptions) {
    this.#ctx = ctx
    this.#options = options
    // Who waits for a callback or a timer alone is not forgotten, however long it takes.
    this.#statuses = [...ctx.contract.graph].filter(([, exits]) => exits.step !== undefined || exits.join !== undefined).map(([status]) => status)
  }

  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await sleep(this.#ctx.clock, this.#options.everyMs, stop).catch(() => undefined)
      if (stop.aborted) return
      try {
        await this.sweep()
      } catch (error) {
        if (isWorkflowError(error, 'Stopped')) return
        this.#ctx.logger.error({ workflow: this.#ctx.contract.name, process: 'sweeper', error }, 'the sweep failed; it comes again')
      }
    }
  }

  /** One page; the next call goes on where this one ended. Returns how many events were sent again. */
  async sweep(): Promise<number> {
    const ctx = this.#ctx
    const slots = new Set(this.#options.openSlots())
    if (slots.size === 0 || this.#statuses.length === 0) return 0
    const oldest = (await ctx.streamer.receivers(ctx.contract.name)).find((receiver) => receiver.name === this.#options.receiver)?.oldest
    const before = new Date(Math.min(oldest?.getTime() ?? Infinity, ctx.clock.now()) - marginMs)
    const page = await ctx.store.list(
      { workflowName: ctx.contract.name, status: this.#statuses, runState: ['Initiated', 'Running', 'RequestedDataDeleted'], updatedBefore: before },
      { limit: pageSize, ...(this.#after === undefined ? undefined : { after: this.#after }) },
    )
    this.#after = page.next
    let sent = 0
    for (const listed of page.items) {
      if (!slots.has(slotOf(listed.runId, ctx.slots))) continue
      const record = await ctx.store.lookup(listed.runId)
      if (record === undefined || record.version !== listed.version || await this.#comesBack(record.runId, record.attempts !== undefined)) continue
      ctx.logger.warn({ workflow: ctx.contract.name, process: 'sweeper', runId: record.runId, foreignId: record.foreignId, version: record.version }, 'nothing has come of this run for long: sending its event again')
      await ctx.committer.commit({ id: ctx.ids.unit(), emit: [eventAgain(ctx, record, 'reemit')] })
      sent += 1
    }
    return sent
  }

  async #comesBack(runId: string, noted: boolean): Promise<boolean> {
    const record = noted ? await this.#ctx.store.lookup(runId) : undefined
    if (record?.attempts?.some((note) => note.kind === 'skipped' && !note.process.startsWith('callback ')) === true) return true
    const timers = await this.#ctx.store.timers.list({ owner: runId, status: 'open' }, { limit: 1 })
    return timers.items.length > 0
  }
}
