/**
 * Lets virtual time pass while somebody waits, and only then. It moves to the next timer when everything is idle: no
 * handler in hand, except those that wait for virtual time themselves, nobody in the engine waiting for a turn, no call of
 * the test on its way to the engine. Whatever is real is waited for in real time, with a limit, and never skipped.
 */
import type { VirtualClock } from '../virtual-clock.ts'
import { processorMs, realMs, realSleep, realTurn } from '../real-turn.ts'
import { waitsVirtually } from '../virtual-wait.ts'
import type { OpenCall } from './calls.ts'

/** Somebody who waits while time passes. */
export interface Waiter {
  /** The test's own words for it, e.g. `waitFor('ann', 'paid')`. */
  readonly what: string
  /** The kit that is asked. */
  readonly owner: object
  /** Which run it is about, as far as that is known. */
  readonly runId?: () => string | undefined
  /** Waits for something of the test's own, which may be real: given up only when the patience is over. */
  readonly foreign?: boolean
  /** An instant of the monotonic clock: time goes no further, and the wait is over there. */
  readonly until?: { readonly at: number; readonly reached: () => void }
  /** Called whenever everything is idle, before time moves; true when it has found what the wait is for. */
  readonly look?: () => Promise<boolean>
  readonly giveUp: (error: unknown) => void
}

/** What is the matter with a wait. */
export type Trouble = 'deadlock' | 'stalled' | 'failing' | 'slow'

export interface PumpOptions {
  readonly clock: VirtualClock
  /** Handlers in hand, of every kit on this clock. */
  readonly openCalls: () => Iterable<OpenCall>
  /** Whether a run's handler has failed too often in a row. */
  readonly keepsFailing: (runId: string) => boolean
  /** The error for a waiter; undefined if a closer look says that it may still go on, which it may not once it is `final`. */
  readonly diagnose: (trouble: Trouble, waiter: Waiter, passedMs: number, final: boolean) => Promise<unknown>
  /** Of real time; where things go on happening, of processor time as well: a machine that is busy with others is no fault of the test. */
  readonly patienceMs: number
}

/** A timer further away than this counts as never: the engine's own nets are set to a third of a hundred years and more. */
const neverMs = 33 * 365 * 86_400_000
/** How long everything must be idle, in real time, before a wait counts as vain: the test may be about to do something. */
const graceMs = 250
/** After so many turns in which only real things were waited for, the processor is left to others. */
const busyTurns = 50

/** Whether the process waits for files or addresses: a test that does will go on. Sockets and timers may be the runner's own. */
function isReading(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.includes('Req'))
}

const sampleMs = 50

interface Waiting extends Waiter {
  readonly sinceRealMs: number
  readonly sinceProcessorMs: number
  readonly sinceMs: number
}

export class Pump {
  readonly #options: PumpOptions
  readonly #waiting = new Set<Waiting>()
  #holds = 0
  #running = false
  /** Turns since something last happened. */
  #quietTurns = 0
  /** Since when nothing is left that time could bring, in real time. */
  #vainSince: number | undefined
  /** The processor time of this process, and when it was asked for. */
  #sample = 0
  #sampledAt = -Infinity

  constructor(options: PumpOptions) {
    this.#options = options
  }

  /** Something that needs no time of its own: while it is on its way, time stands still. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    this.#holds += 1
    const over = waitsVirtually()
    try {
      return await work()
    } finally {
      this.#holds -= 1
      over()
    }
  }

  /** The outcome of something, while time passes. */
  async pass<T>(waiter: Waiter, work: Promise<T>): Promise<T> {
    const { clock } = this.#options
    const sinceRealMs = realMs()
    const waiting: Waiting = { ...waiter, sinceRealMs, sinceProcessorMs: this.#processorMs(sinceRealMs), sinceMs: clock.monotonic() }
    const over = waitsVirtually()
    this.#waiting.add(waiting)
    if (!this.#running) void this.#run()
    try {
      return await work
    } finally {
      this.#waiting.delete(waiting)
      over()
    }
  }

  /** The outcome of something that waits without letting time pass; gives up on it once time has stood still for too long. */
  async watch<T>(work: Promise<T>, trouble: () => Promise<unknown>): Promise<T> {
    let ended = false
    const { promise, reject } = Promise.withResolvers<never>()
    const watch = async (): Promise<void> => {
      let since = realMs()
      while (realMs() - since < this.#options.patienceMs) {
        await realSleep(sampleMs)
        if (ended) return
        if (this.#waiting.size > 0) since = realMs()
      }
      reject(await trouble())
    }
    watch().catch(reject)
    try {
      return await Promise.race([work, promise])
    } finally {
      ended = true
    }
  }

  /** Ends every wait of one kit, which has been stopped. */
  end(owner: object, reason: (waiting: string) => unknown): void {
    for (const waiter of this.#waiting) if (waiter.owner === owner) waiter.giveUp(reason(waiter.what))
  }

  async #run(): Promise<void> {
    this.#running = true
    try {
      while (this.#waiting.size > 0) {
        await realTurn()
        if (this.#waiting.size > 0) await this.#step()
      }
    } finally {
      this.#running = false
    }
  }

  /** One look at everything, and at most one move of the clock. */
  async #step(): Promise<void> {
    const { clock } = this.#options
    if (await this.#overdue()) return
    if (clock.busy) return this.#something()
    if (this.#holds > 0 || this.stalled().length > 0) return await this.#real()
    let found = false
    for (const { look } of this.#waiting) if (look !== undefined && (await look())) found = true
    // Whoever has what it waited for has its turn first.
    if (found) return this.#something()
    const now = clock.monotonic()
    const limit = Math.min(...Array.from(this.#waiting, ({ until }) => until?.at ?? Infinity))
    const next = now + clock.nextInMs()
    if (next <= limit && (limit < Infinity || next - now < neverMs)) {
      clock.fireNext()
      return this.#something()
    }
    if (limit < Infinity) {
      this.#arrive(limit)
      return this.#something()
    }
    await this.#vain()
  }

  /** Handlers that wait for something real. */
  stalled(): readonly OpenCall[] {
    const stalled: OpenCall[] = []
    for (const open of this.#options.openCalls()) if (open.virtualWaits === 0 && !open.givenUp()) stalled.push(open)
    return stalled
  }

  #something(): void {
    this.#quietTurns = 0
    this.#vainSince = undefined
  }

  /** Only what is real can go on. */
  async #real(): Promise<void> {
    this.#quietTurns += 1
    this.#vainSince = undefined
    if (this.#quietTurns > busyTurns) await realSleep(1)
  }

  #arrive(limit: number): void {
    this.#options.clock.moveTo(limit)
    for (const { until } of this.#waiting) if (until !== undefined && until.at <= limit) until.reached()
  }

  /** Nothing is left that time could bring: somebody else may still act, for a moment. */
  async #vain(): Promise<void> {
    this.#quietTurns += 1
    this.#vainSince ??= realMs()
    if (realMs() - this.#vainSince < graceMs || isReading()) return this.#quietTurns > busyTurns ? await realSleep(1) : undefined
    let gaveUp = false
    for (const waiter of this.#waiting) {
      if (waiter.foreign === true) continue
      const error = await this.#options.diagnose('deadlock', waiter, this.#passed(waiter), false)
      if (error === undefined) continue
      gaveUp = true
      waiter.giveUp(error)
    }
    if (!gaveUp) await realSleep(1)
  }

  /** Gives up on waits whose run keeps failing, or that have lasted too long in real time. */
  async #overdue(): Promise<boolean> {
    let gaveUp = false
    const now = realMs()
    for (const waiter of this.#waiting) {
      const trouble = this.#troubleOf(waiter, now)
      if (trouble === undefined) continue
      const error = await this.#options.diagnose(trouble, waiter, this.#passed(waiter), true)
      gaveUp = true
      waiter.giveUp(error)
    }
    return gaveUp
  }

  #troubleOf(waiter: Waiting, now: number): Trouble | undefined {
    const runId = waiter.runId?.()
    if (runId !== undefined && this.#options.keepsFailing(runId)) return 'failing'
    if (now - waiter.sinceRealMs < this.#options.patienceMs) return undefined
    if (this.stalled().length > 0) return 'stalled'
    if (this.#vainSince !== undefined) return 'deadlock'
    return processorMs() - waiter.sinceProcessorMs < this.#options.patienceMs ? undefined : 'slow'
  }

  /** Not quite now: asking the system takes longer than most waits. */
  #processorMs(realNow: number): number {
    if (realNow - this.#sampledAt > sampleMs) {
      this.#sampledAt = realNow
      this.#sample = processorMs()
    }
    return this.#sample
  }

  #passed(waiter: Waiting): number {
    return this.#options.clock.monotonic() - waiter.sinceMs
  }
}
