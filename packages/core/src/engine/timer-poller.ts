/**
 * Brings due timers to whoever handles them. Sleeps until the next one expires, a timer changes, or the polling interval
 * passes. A timer stays open until the unit that acts on it settles it: after a crash it is due again.
 */
import { isWorkflowError } from '../errors.ts'
import type { Page } from '../model/run-query.ts'
import { type Timer, timerId } from '../model/timer.ts'
import type { DueQuery, SlotQuery } from '../ports/timeout-store.ts'
import { TimerShares } from './timer-shares.ts'
import type { WorkerContext } from './worker-context.ts'
import { Wake } from './waiting.ts'

/** So many timers beyond those in hand are looked at in one go. */
const spare = 256
const pageMax = 1_000
/** A timer that was dealt with is left alone for so long: if it is still due then, whoever dealt with it could not settle it. */
const restMs = 5_000
const restingMax = 10_000
/** Behind the first page, a backlog is looked through page by page, this far apart, with a pause after the last one. */
const pageEveryMs = 100
const pauseMsMin = 1_000
/** In a backlog every commit wakes us; without room for more, a look has time for so long. */
const hurryMs = 25

export interface TimerPollerOptions {
  readonly pollingMs: number
  readonly openSlots: () => readonly number[]
  /** Takes a due timer; calls `end` once it is done with it, however that ended. */
  readonly dispatch: (timer: Timer, end: () => void) => void
}

/** A walk through the due timers behind the first page. */
interface Round {
  readonly query: DueQuery
  readonly startedAt: number
  /** Absent: it is over. */
  readonly after?: string
  /** When the next page may be read; both times on the monotonic clock. */
  readonly nextAt: number
}

/** What came of a page. */
interface Offered {
  /** How many timers were handed on. */
  readonly fresh: number
  /** How many have to wait for others of their process. */
  readonly turnedAway: number
  /** How many were left alone, because they had just been dealt with. */
  readonly resting: number
  /** When the first timer that is not due yet will be; Infinity when all of them were due. */
  readonly nextInMs: number
}

export class TimerPoller {
  readonly #ctx: WorkerContext
  readonly #options: TimerPollerOptions
  readonly #shares: TimerShares
  readonly #inHand = new Set<string>()
  /** Dealt with, and perhaps still due: by id, time and attempt, until when on the monotonic clock. */
  readonly #resting = new Map<string, number>()
  /** How many of those the last first page had. */
  #restingDue = 0
  readonly #wake = new Wake()
  #round: Round | undefined
  /** When the next timer comes due, as far as it was told since the last look began; this and the next on the monotonic clock. */
  #soonestAt = Infinity
  /** Until when it sleeps; -Infinity while it looks. */
  #lookAt = -Infinity
  /** No look before this, on the monotonic clock, unless a process has room. */
  #restUntil = 0

  constructor(ctx: WorkerContext, options: TimerPollerOptions) {
    this.#ctx = ctx
    this.#options = options
    this.#shares = new TimerShares(ctx)
  }

  /** A timer comes due at this time, in milliseconds since the epoch, or at one that is not known. Ends the wait if it is sooner. */
  wake(soonestMs: number = -Infinity): void {
    const { clock } = this.#ctx
    const at = soonestMs - clock.now() + clock.monotonic()
    this.#soonestAt = Math.min(this.#soonestAt, at)
    if (at < this.#lookAt) this.#wake.set()
  }

  async run(stop: AbortSignal): Promise<void> {
    const { clock, logger, contract } = this.#ctx
    while (!stop.aborted) {
      let waitMs = this.#options.pollingMs
      this.#soonestAt = Infinity
      try {
        waitMs = await this.#poll()
      } catch (error) {
        if (isWorkflowError(error, 'Stopped')) return
        logger.error({ workflow: contract.name, process: 'timers', error }, 'looking for due timers failed; trying again')
      }
      const now = clock.monotonic()
      // Whatever was set meanwhile may have been set too late to be read.
      this.#lookAt = Math.min(now + waitMs, this.#soonestAt)
      if (this.#lookAt > now) await this.#wake.wait(clock, this.#lookAt - now, stop)
      this.#lookAt = -Infinity
    }
  }

  /** Dispatches what is due and returns how long there is nothing to do. */
  async #poll(): Promise<number> {
    const { clock, contract, store } = this.#ctx
    const slots = this.#options.openSlots()
    if (slots.length === 0) return this.#options.pollingMs
    const early = this.#restUntil - clock.monotonic()
    if (early > 0) return early
    const query = { workflowName: contract.name, slots }
    const next = await store.timers.nextExpiry(query)
    const inMs = next === undefined ? Infinity : next.getTime() - clock.now()
    if (inMs <= 0) return await this.#takeDue(query)
    this.#round = undefined
    // Where every writer is heard, nothing is missed between two expiries.
    return store.timers.toldOfAll === true ? inMs : Math.min(inMs, this.#options.pollingMs)
  }

  async #takeDue(slots: SlotQuery): Promise<number> {
    const { clock, store } = this.#ctx
    const { pollingMs } = this.#options
    const restMsLeft = this.#wakeResting()
    // A little into the future: what is in hand hides from us when the next one expires.
    const query = { ...slots, before: new Date(clock.now() + pollingMs) }
    const first = await store.timers.due(query, { limit: Math.min(pageMax, this.#inHand.size + this.#restingDue + spare) })
    const passed = new Set<string>()
    const { fresh, turnedAway, resting, nextInMs } = await this.#offer(first, passed)
    this.#restingDue = resting
    const waitMs = Math.min(pollingMs, restMsLeft, nextInMs)
    if (first.next === undefined || nextInMs !== Infinity) {
      this.#round = undefined
      return waitMs
    }
    if (turnedAway > 0) this.#restUntil = clock.monotonic() + hurryMs
    // Whoever is turned away comes when its process has room, which wakes us.
    if (fresh > 0 && turnedAway === 0) return 0
    // What is due first is in hand, rests, or waits for others of its process; what is due later must not wait with it.
    return Math.min(waitMs, await this.#goRound(query, first.next, passed))
  }

  /** Looks at one page more, if it is time; returns how long it is until the one after it. */
  async #goRound(query: DueQuery, after: string, passed: Set<string>): Promise<number> {
    const { clock, store } = this.#ctx
    const now = clock.monotonic()
    const current = this.#round
    if (current !== undefined && current.nextAt > now) return current.nextAt - now
    // A token belongs to the query that gave it, and slots come and go.
    const going =
      current?.after !== undefined && sameSlots(current.query, query)
        ? { ...current, after: current.after }
        : { query, startedAt: now, after }
    const page = await store.timers.due(going.query, { limit: pageMax, after: going.after })
    await this.#offer(page, passed)
    const { startedAt } = going
    this.#round =
      page.next === undefined
        ? { query: going.query, startedAt, nextAt: now + Math.max(pauseMsMin, now - startedAt) }
        : { query: going.query, startedAt, nextAt: now + pageEveryMs, after: page.next }
    return this.#round.nextAt - now
  }

  /** Hands on what is due and new, as far as its process has room. Of one run, nothing overtakes what has to wait. */
  async #offer(page: Page<Timer>, passed: Set<string>): Promise<Offered> {
    const { clock } = this.#ctx
    const now = clock.now()
    const unknown: [id: string, timer: Timer][] = []
    let fresh = 0
    let turnedAway = 0
    let resting = 0
    let nextInMs = Infinity
    for (const timer of page.items) {
      const inMs = timer.at.getTime() - now
      if (inMs > 0) {
        nextInMs = inMs
        break
      }
      // Moved to another time, or tried once more, it is another matter.
      const id = `${timerId(timer.key)}@${timer.at.getTime()}#${timer.attempt}`
      if (this.#inHand.has(id)) continue
      if (this.#resting.has(id)) resting += 1
      else if (passed.has(timer.key.owner)) turnedAway += 1
      else if (this.#dispatch(id, timer)) fresh += 1
      else {
        passed.add(timer.key.owner)
        if (this.#shares.isUnknown(id, timer)) unknown.push([id, timer])
        else turnedAway += 1
      }
    }
    await Promise.all(unknown.map(([id, timer]) => this.#shares.learn(id, timer)))
    for (const [id, timer] of unknown) {
      if (this.#dispatch(id, timer)) fresh += 1
      else turnedAway += 1
    }
    return { fresh, turnedAway, resting, nextInMs }
  }

  #dispatch(id: string, timer: Timer): boolean {
    const share = this.#shares.take(id, timer)
    if (share === undefined) return false
    this.#inHand.add(id)
    this.#options.dispatch(timer, () => {
      // Whoever has it may say twice that it is over.
      if (!this.#inHand.delete(id)) return
      // Also because a page that has it may be on its way.
      this.#rest(id)
      if (!this.#shares.leave(share)) return
      this.#restUntil = 0
      this.#wake.set()
    })
    return true
  }

  #rest(id: string): void {
    this.#resting.set(id, this.#ctx.clock.monotonic() + restMs)
    for (const soonest of this.#resting.keys()) {
      if (this.#resting.size <= restingMax) return
      this.#resting.delete(soonest)
    }
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

function sameSlots(a: SlotQuery, b: SlotQuery): boolean {
  return a.slots.length === b.slots.length && a.slots.every((slot, place) => slot === b.slots[place])
}
