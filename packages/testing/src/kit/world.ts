/** What kits that stand beside each other share: time, a database, chance, and the list of what is going on. */
import { type Explanation, isWorkflowError, type AnyWorkflow, type Clock, type Duration, type Random } from '@workflow/core'
import { durationMs } from '@workflow/core/adapter'
import { memoryDatabase, type MemoryDatabase } from '@workflow/core/memory'
import type { VirtualClock } from '../virtual-clock.ts'
import { asNobody } from '../virtual-wait.ts'
import type { Calls } from './calls.ts'
import { Pump, type Trouble, type Waiter } from './pump.ts'
import { spoken } from './distance.ts'
import { deadlock, failing, shownMax, slow, stalled, type Stuck, type Unfinished, untimely } from './stuck.ts'

export interface WorldOptions {
  readonly clock: VirtualClock
  readonly seed: number
  readonly patience: Duration
  readonly attemptsMax: number
}

/** A kit's part of the world. */
export interface Inhabitant {
  readonly workflow: AnyWorkflow
  readonly calls: Calls
}

export class World {
  readonly clock: VirtualClock
  /** For the engine: what it sets is nobody's, whoever calls it. */
  readonly engineClock: Clock
  readonly database: MemoryDatabase = memoryDatabase()
  readonly random: Random
  readonly pump: Pump
  readonly startedAt: number
  readonly inhabitants: Set<Inhabitant> = new Set<Inhabitant>()
  /** What runs are called in snapshots, in the order in which they were created. */
  readonly runIds: string[] = []
  readonly #options: WorldOptions
  readonly #changes = new Map<string, number>()

  constructor(options: WorldOptions) {
    const { clock, seed } = options
    this.#options = options
    this.clock = clock
    this.startedAt = clock.now()
    this.engineClock = {
      now: clock.now,
      monotonic: clock.monotonic,
      setTimer: (afterMs, callback) => asNobody(() => clock.setTimer(afterMs, callback)),
      setImmediate: (callback) => asNobody(() => clock.setImmediate(callback)),
    }
    this.random = seeded(seed)
    this.pump = new Pump({
      clock,
      openCalls: () => this.#openCalls(),
      keepsFailing: (runId) => this.#failing(runId) !== undefined,
      diagnose: (trouble, waiter, passedMs, final) => this.#diagnose(trouble, waiter, passedMs, final),
      patienceMs: durationMs(options.patience, 'patience'),
    })
  }

  /** A run, by its id, or a foreign id has something new to look at. */
  touch(key: string): void {
    this.#changes.set(key, this.changesOf(key) + 1)
  }

  /** How often a run, or a foreign id, has had something new. */
  changesOf(key: string): number {
    return this.#changes.get(key) ?? 0
  }

  *#openCalls() {
    for (const { calls } of this.inhabitants) yield* calls.open
  }

  #failing(runId: string) {
    for (const { calls } of this.inhabitants) {
      const found = calls.failures.of(runId)
      if (found !== undefined && found.count >= this.#options.attemptsMax) return found
    }
    return undefined
  }

  /** The error of somebody who waits by the workflow itself, for which no time passes. */
  async untimely(what: string, until: string): Promise<Stuck> {
    return untimely(what, until, this.#options.patience, await this.#unfinished(undefined))
  }

  async #diagnose(trouble: Trouble, { what, runId }: Waiter, passedMs: number, final: boolean): Promise<unknown> {
    const awaited = runId?.()
    const unfinished = await this.#unfinished(awaited)
    const { patience } = this.#options
    if (trouble === 'failing' && awaited !== undefined) {
      const found = this.#failing(awaited)
      if (found !== undefined) return failing(what, found, unfinished)
    }
    if (trouble === 'stalled') {
      const calls = this.pump.stalled().map(({ call }) => call)
      return stalled(what, calls, unfinished, patience)
    }
    // Something of the user's that cannot be seen from here may be at work behind a run whose turn it is, e.g. its schema.
    if (trouble === 'deadlock') return !final && unfinished.shown.some(isNext) ? undefined : deadlock(what, unfinished)
    return slow(what, patience, spoken(passedMs), unfinished)
  }

  /** Why unfinished runs are where they are, the awaited one first. */
  async #unfinished(awaited: string | undefined): Promise<Unfinished> {
    const shown: Explanation[] = []
    let more = 0
    for (const { workflow } of this.inhabitants) {
      const { items, cursor } = await workflow.list({ state: ['Initiated', 'Running', 'Paused'], order: 'oldest', limit: 1_000 })
      for (const { runId } of items) {
        if (shown.length < shownMax || runId === awaited) shown.push(await workflow.explain(runId))
        else more += 1
      }
      if (cursor !== undefined) more += 1
      if (awaited !== undefined && shown.every(({ runId }) => runId !== awaited)) {
        const finished = await workflow.explain(awaited).catch((error: unknown) => {
          if (isWorkflowError(error, 'RunNotFound')) return undefined
          throw error
        })
        if (finished !== undefined) shown.push(finished)
      }
    }
    const first = shown.filter(({ runId }) => runId === awaited)
    return { shown: [...first, ...shown.filter(({ runId }) => runId !== awaited)], more }
  }
}

/** Whether it is the engine's turn to move the run or, once that is finished, to tell whoever awaits it. */
function isNext({ waitsFor }: Explanation): boolean {
  return waitsFor.some(
    (wait) =>
      wait.kind === 'nothing' ||
      wait.kind === 'step' ||
      (wait.kind === 'callback' && wait.queued > 0) ||
      (wait.kind === 'children' && wait.unfinished === 0),
  )
}

/** Park and Miller's generator: the same numbers in every test run. */
function seeded(seed: number): Random {
  let state = 1 + (Math.trunc(Math.abs(seed)) % 2_147_483_646)
  const next = (): number => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
  // The first numbers of small seeds are small.
  for (let i = 0; i < 8; i++) next()
  return next
}
