/**
 * Brings due timers to whoever handles them. Sleeps until the next one expires, a timer changes, or the polling interval
 * passes. A timer stays open until the unit that acts on it settles it: after a crash it is due again.
 */
import { isWorkflowError } from '../errors.ts'
import { type Timer, timerId } from '../model/timer.ts'
import type { WorkerContext } from './worker-context.ts'
import { Wake } from './waiting.ts'

const inHandMax = 256
const pageMax = 1_000
/** A timer that is still due after it was dealt with is left alone for so long: whoever dealt with it could not settle it. */
const restMs = 5_000

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
  /** Dealt with since the last look. */
  #ended = new Set<string>()
  /** Dealt with and still due: by id and time, until when on the monotonic clock. */
  readonly #resting = new Map<string, number>()
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
    // Where every writer is heard, nothing is missed between two expiries.
    const pollingMs = store.timers.toldOfAll === true ? Infinity : this.#options.pollingMs
    const next = await store.timers.nextExpiry(query)
    if (next === undefined) return pollingMs
    const inMs = next.getTime() - clock.now()
    if (inMs > 0) return Math.min(inMs, pollingMs)
    const restMsLeft = this.#wakeResting()
    const ended = this.#ended
    this.#ended = new Set()
    const page = await store.timers.due({ ...query, before: new Date(clock.now()) }, { limit: Math.min(pageMax, this.#inHand.size + this.#resting.size + room) })
    let fresh = 0
    for (const timer of page.items) {
      const id = `${timerId(timer.key)}@${timer.at.getTime()}`
      if (this.#inHand.has(id) || this.#resting.has(id)) continue
      if (ended.has(id)) {
        this.#resting.set(id, clock.monotonic() + restMs)
        continue
      }
      fresh += 1
      this.#inHand.add(id)
      this.#options.dispatch(timer, () => {
        this.#inHand.delete(id)
        this.#ended.add(id)
        this.#wake.set()
      })
      if (fresh === room) break
    }
    // Nothing new: what is due is in hand, and its end wakes us, or it rests.
    return fresh === 0 ? Math.min(this.#options.pollingMs, restMsLeft, this.#resting.size > 0 ? restMs : Infinity) : 0
  }

  /** Forgets those that have rested enough; returns how long the next one has still to rest. */
  #wakeResting(): number {
    const now = this.#ctx.clock.monotonic()
    for (const [id, until] of this.#resting) {
      if (until > now) return until - now
      this.#resting.delete(id)
    }
    return Infinity
  }
}
