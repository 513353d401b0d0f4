/**
 * Brings due timers to whoever handles them. Sleeps until the next one expires, a timer changes, or the polling interval
 * passes. A timer stays open until the unit that acts on it settles it: after a crash it is due again.
 */
import { isWorkflowError } from '../errors.ts'
import { type Timer, timerId } from '../model/timer.ts'
import type { WorkerContext } from './worker-context.ts'
import { Wake } from './waiting.ts'

const inHandMax = 256

export interface TimerPollerOptions {
  readonly pollingMs: number
  readonly openSlots: () => readonly number[]
  /** Takes a due timer; calls `end` once it is done with it, however that ended. */
  readonly dispatch: (timer: Timer, end: () => void) => void
}

export class TimerPoller {
  readonly #ctx: WorkerContext
  readonly #options: TimerPollerOptions
  readonly #inHand = new Set<string>()
  readonly #wake = new Wake()

  constructor(ctx: WorkerContext, options: TimerPollerOptions) {
    this.#ctx = ctx
    this.#options = options
  }

  /** A timer may be due earlier than was known. */
  wake(): void {
    this.#wake.set()
  }

  async run(stop: AbortSignal): Promise<void> {
    const { clock, logger, contract } = this.#ctx
    while (!stop.aborted) {
      let waitMs = this.#options.pollingMs
      try {
        waitMs = await this.#poll()
      } catch (error) {
        if (isWorkflowError(error, 'Stopped')) return
        logger.error({ workflow: contract.name, process: 'timers', error }, 'looking for due timers failed; trying again')
      }
      if (waitMs > 0) await this.#wake.wait(clock, waitMs, stop)
    }
  }

  /** Dispatches what is due and returns how long there is nothing to do. */
  async #poll(): Promise<number> {
    const { clock, contract, store } = this.#ctx
    const slots = this.#options.openSlots()
    const room = inHandMax - this.#inHand.size
    if (slots.length === 0 || room <= 0) return this.#options.pollingMs
    const query = { workflowName: contract.name, slots }
    const next = await store.timers.nextExpiry(query)
    if (next === undefined) return this.#options.pollingMs
    const inMs = next.getTime() - clock.now()
    if (inMs > 0) return Math.min(inMs, this.#options.pollingMs)
    const page = await store.timers.due({ ...query, before: new Date(clock.now()) }, { limit: this.#inHand.size + room })
    let fresh = 0
    for (const timer of page.items) {
      const id = timerId(timer.key)
      if (this.#inHand.has(id)) continue
      fresh += 1
      this.#inHand.add(id)
      this.#options.dispatch(timer, () => {
        this.#inHand.delete(id)
        this.#wake.set()
      })
      if (fresh === room) break
    }
    // Nothing new: what is due is in hand, and its end wakes us.
    return fresh === 0 ? this.#options.pollingMs : 0
  }
}
