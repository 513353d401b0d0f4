/**
 * Keeps this instance's slots: waits for the role of each, tells the rest of the worker what it may work on, and gives
 * back. A slot that is lost is silent at once; one that is given back first finishes what is in hand. If the process
 * dies here, its leases expire and its unacknowledged deliveries go to the next holder.
 */
import { isWorkflowError, LeaseLost } from '../errors.ts'
import { roleOf } from '../model/role.ts'
import type { SlotClaim } from '../ports/event-streamer.ts'
import type { RoleLease, RoleScheduler } from '../ports/role-scheduler.ts'
import type { EngineContext } from './engine-context.ts'
import { sleep } from './waiting.ts'

/** A slot in hand. */
export interface HeldSlot {
  readonly slot: number
  readonly lease: RoleLease
  /** When it came here, on the monotonic clock. */
  readonly since: number
  /** Aborts when the role is lost, and when the stop waits no longer. Every write for this slot heeds it. */
  readonly signal: AbortSignal
  /** No new work is started. */
  draining: boolean
  /** How many more tasks are to be noted as suspect before their handlers run. */
  careful: number
  /** Versions of runs that have been noted as suspect since this instance took the slot: it has not died since. */
  readonly suspected: Set<string>
  /** Gives the slot up from within, with a pause before this instance asks for it again. */
  readonly resign: (afterMs: number, reason: string) => void
}

export interface SlotsOptions {
  readonly scheduler: RoleScheduler
  readonly generation: number
  /** How many tasks of a slot are treated as suspect after an unclean takeover. */
  readonly carefulTasks: number
  /** Called when what is held has changed; must make every reader follow. */
  readonly assign: (claims: readonly SlotClaim[]) => Promise<void>
  /** Waits until nothing of the slot is in hand. */
  readonly drained: (slot: number) => Promise<void>
  /** Drops all work of a slot at once. */
  readonly abandon: (slot: number, reason: unknown) => void
}

const retryMs = 1_000
/** How long the same trouble with roles is told once: it mostly concerns every slot, again and again. */
const quietMs = 10_000

export class Slots {
  readonly #ctx: EngineContext
  readonly #options: SlotsOptions
  readonly #held = new Map<number, HeldSlot>()
  readonly #work = new Map<number, AbortController>()
  #told: { readonly text: string; readonly untilMs: number } | undefined
  #assigning: Promise<void> | undefined
  #assignAgain = false

  constructor(ctx: EngineContext, options: SlotsOptions) {
    this.#ctx = ctx
    this.#options = options
  }

  /** The slot, if work for it may be started or finished now. */
  valid(slot: number): HeldSlot | undefined {
    const held = this.#held.get(slot)
    return held !== undefined && held.lease.isValid() ? held : undefined
  }

  /** The slot, if work for it may be started now. */
  open(slot: number): HeldSlot | undefined {
    const held = this.#held.get(slot)
    return held !== undefined && !held.draining ? held : undefined
  }

  /** The slots whose work may be started. */
  openSlots(): readonly number[] {
    return [...this.#held.values()].filter((held) => !held.draining).map((held) => held.slot)
  }

  get size(): number {
    return this.#held.size
  }

  /** A newer holder has these slots: what we believe to hold of them is worth nothing any more. */
  fenced(slots: readonly number[]): void {
    for (const slot of slots) {
      const held = this.#held.get(slot)
      if (held === undefined) continue
      held.resign(retryMs, 'a newer holder has it')
      // At once: what is left to do may have to wait for an assignment, and work that is aborted as it starts would be tried again and again.
      held.draining = true
    }
    for (const slot of slots) {
      this.#work.get(slot)?.abort(this.#lostError(slot))
      this.#options.abandon(slot, this.#lostError(slot))
    }
  }

  /** Stops every write at once. */
  abort(reason: unknown): void {
    for (const work of this.#work.values()) work.abort(reason)
  }

  /** Goes on until `stop` aborts and everything is given back. */
  async run(stop: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: this.#ctx.slots }, (_, slot) => this.#keep(slot, stop)))
  }

  async #keep(slot: number, stop: AbortSignal): Promise<void> {
    const role = roleOf(this.#ctx.contract.name, slot)
    let pauseMs = 0
    while (!stop.aborted) {
      try {
        if (pauseMs > 0) await sleep(this.#ctx.clock, pauseMs, stop)
        const lease = await this.#options.scheduler.awaitRole(role, { signal: stop, generation: this.#options.generation })
        pauseMs = await this.#hold(slot, lease, stop)
      } catch (error) {
        if (stop.aborted || isWorkflowError(error, 'Stopped')) return
        this.#tell(role, error)
        pauseMs = retryMs
      }
    }
  }

  #tell(role: string, error: unknown): void {
    const text = String(error)
    const now = this.#ctx.clock.monotonic()
    if (text === this.#told?.text && now < this.#told.untilMs) return
    this.#told = { text, untilMs: now + quietMs }
    this.#ctx.logger.error({ workflow: this.#ctx.contract.name, process: 'slots', role, error }, 'waiting for a role failed; trying again')
  }

  /** From having a role to having given it back. Returns how long to wait before asking for it again. */
  async #hold(slot: number, lease: RoleLease, stop: AbortSignal): Promise<number> {
    let pauseMs = 0
    const end = Promise.withResolvers<'lost' | 'leave'>()
    const work = new AbortController()
    const lost = (): void => {
      // Mostly an event loop that was blocked for longer than the lease: nothing else says so.
      this.#ctx.logger.warn(
        { workflow: this.#ctx.contract.name, process: 'slots', slot },
        'the lease of a slot was lost: another instance may have it',
      )
      work.abort(this.#lostError(slot))
      this.#options.abandon(slot, this.#lostError(slot))
      end.resolve('lost')
    }
    const leave = (): void => end.resolve('leave')
    const held: HeldSlot = {
      slot,
      lease,
      since: this.#ctx.clock.monotonic(),
      signal: work.signal,
      draining: false,
      suspected: new Set(),
      careful: lease.unclean ? this.#options.carefulTasks : 0,
      resign: (afterMs, reason) => {
        if (pauseMs > 0) return
        pauseMs = Math.max(1, afterMs)
        this.#ctx.logger.warn({ workflow: this.#ctx.contract.name, process: 'slots', slot, reason, afterMs }, 'giving a slot back')
        leave()
      },
    }
    lease.signal.addEventListener('abort', lost, { once: true })
    lease.yield.addEventListener('abort', leave, { once: true })
    stop.addEventListener('abort', leave, { once: true })
    if (lease.signal.aborted) lost()
    if (lease.yield.aborted || stop.aborted) leave()
    try {
      this.#held.set(slot, held)
      this.#work.set(slot, work)
      await this.#follow()
      if ((await end.promise) === 'leave') {
        held.draining = true
        const gone = Promise.withResolvers<void>()
        const give = (): void => gone.resolve()
        if (work.signal.aborted) give()
        work.signal.addEventListener('abort', give, { once: true })
        await Promise.race([this.#options.drained(slot), gone.promise])
        work.signal.removeEventListener('abort', give)
      }
    } finally {
      lease.signal.removeEventListener('abort', lost)
      lease.yield.removeEventListener('abort', leave)
      stop.removeEventListener('abort', leave)
      this.#held.delete(slot)
      this.#work.delete(slot)
      work.abort(this.#lostError(slot))
      this.#options.abandon(slot, this.#lostError(slot))
      await this.#follow()
      await lease.release()
    }
    return pauseMs
  }

  #lostError(slot: number): LeaseLost {
    return new LeaseLost(`the role of slot ${slot} of workflow '${this.#ctx.contract.name}' is no longer held`)
  }

  /** Makes the readers follow; changes that come meanwhile make one more round. */
  async #follow(): Promise<void> {
    this.#assignAgain = true
    this.#assigning ??= this.#assignAll()
    await this.#assigning
  }

  async #assignAll(): Promise<void> {
    // What arrives in the same turn (all slots of a start) goes in one assignment.
    await Promise.resolve()
    try {
      while (this.#assignAgain) {
        this.#assignAgain = false
        await this.#options.assign([...this.#held.values()].map((held) => ({ slot: held.slot, fence: held.lease.fence })))
      }
    } finally {
      this.#assigning = undefined
    }
  }
}
