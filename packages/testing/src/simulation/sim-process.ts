/**
 * One process of the simulation. All that it hears from outside comes as events, and everything that it asks for leaves as
 * one: so the seed decides how calls of different processes interleave, and a process can die or stall between any two.
 */
import { StoreUnavailable } from '@workflow/core/adapter'
import type { Fault, Place } from './fault.ts'
import { SimClock } from './sim-clock.ts'
import type { EventKind, TimelineEvent } from './timeline.ts'
import type { Surroundings } from './surroundings.ts'

/** Something that was planned for a process. */
export interface Planned {
  event: TimelineEvent
}

/** What a port call does when it arrives. */
export interface CallOptions<T> {
  readonly place: Place
  /** What is called, for the trace. */
  readonly name: string
  readonly effect: () => T | Promise<T>
  /** Which outage concerns it. */
  readonly side: 'store' | 'stream' | 'roles'
  /** Calls with equal keys arrive in the order in which they were made. */
  readonly order?: string
  /** Answers to a fault of its own; undefined: it is none that this call knows. */
  readonly faulted?: (fault: Fault) => T | undefined
  /** What the call is about, for the trace. */
  readonly about?: () => string
}

/** After a stall or a delusion a process needs a moment to hear what it has lost. */
const recoveryUs = 1_000_000

export class SimProcess {
  readonly world: Surroundings
  readonly name: string
  /** Differs between two lives of one instance. */
  readonly ordinal: number
  readonly clock: SimClock
  /** Which version of the code it runs. */
  readonly generation: number
  alive = true
  /** Until then it believes in its leases, whatever the clock says. */
  deludedUntilUs: number = -recoveryUs - 1
  /** Until then it may not have heard that a role was taken from it. */
  robbedUntilUs: number = -recoveryUs - 1
  /** The roles that it holds, or believes to hold. */
  readonly leases: Map<string, { readonly isValid: () => boolean }> = new Map()
  #stalledUntilUs = -recoveryUs - 1
  /** Whether what it had sent when it died still arrives. */
  #wireOutlives = true
  readonly #arrivals = new Map<string, number>()
  readonly #atDeath = new Set<() => void>()

  constructor(world: Surroundings, name: string, ordinal: number, wallMs: number, rate: number, generation: number) {
    this.world = world
    this.name = name
    this.ordinal = ordinal
    this.generation = generation
    this.clock = new SimClock(this, wallMs, rate)
  }

  /** Makes something happen in this process: not before it has woken from a stall, and never after its death. */
  plan(afterUs: number, kind: EventKind, run: () => void): Planned {
    const { timeline } = this.world
    const happen = (): void => {
      if (!this.alive) return
      if (timeline.us < this.#stalledUntilUs) planned.event = timeline.plan(this.#stalledUntilUs - timeline.us, kind, this.ordinal, happen)
      else run()
    }
    const planned: Planned = { event: timeline.plan(afterUs, kind, this.ordinal, happen) }
    return planned
  }

  /** Sends a call to a port. It settles if the process lives to hear of it. */
  call<T>(options: CallOptions<T>): Promise<T> {
    const { world } = this
    return new Promise((resolve, reject) => {
      if (!this.alive) return
      const fault = world.faults.at('any') ?? world.faults.at(options.place)
      if (fault !== undefined) world.trace(() => `${this.name}: ${options.name} meets fault #${fault.id} (${fault.kind})`)
      if (fault !== undefined && this.#struckWhole(fault)) return
      const lateUs = fault?.kind === 'write delayed' && fault.choice % 2 === 0 ? fault.ms * 1_000 : 0
      const arriveUs = this.#arrivalOf(options.order, world.dice.spread(20, 8_000) + lateUs)
      world.timeline.plan(arriveUs, 'call', this.ordinal, () => this.#arrive(options, fault, resolve, reject))
    })
  }

  /** Ends it like `kill -9`. */
  die(wireOutlives: boolean): void {
    if (!this.alive) return
    this.alive = false
    this.#wireOutlives = wireOutlives
    this.world.trace(() => `${this.name} dies${wireOutlives ? '; what it has sent still arrives' : ''}`)
    for (const end of this.#atDeath) end()
    this.#atDeath.clear()
  }

  /** Does nothing for a while, like a machine that is suspended or collects garbage. */
  stall(ms: number): void {
    this.#stalledUntilUs = Math.max(this.#stalledUntilUs, this.world.timeline.us + ms * 1_000)
    this.world.trace(() => `${this.name} stalls for ${ms} ms`)
  }

  /** Whether it does nothing now. */
  get stalled(): boolean {
    return this.world.timeline.us <= this.#stalledUntilUs
  }

  /** Whether it believes in its leases, whatever its clocks say. */
  get deluded(): boolean {
    return this.world.timeline.us < this.deludedUntilUs
  }

  /** Whether it may believe to hold roles that it has lost, by no fault of its own. */
  get deceived(): boolean {
    const { us } = this.world.timeline
    return us <= Math.max(this.#stalledUntilUs, this.deludedUntilUs, this.robbedUntilUs) + recoveryUs
  }

  /** Calls back when the process dies. */
  onDeath(end: () => void): void {
    this.#atDeath.add(end)
  }

  /** A fault that strikes the process as a whole. Answers whether that was its end. */
  #struckWhole(fault: Fault): boolean {
    if (fault.kind === 'process stalls') this.stall(fault.ms)
    if (fault.kind !== 'process dies' || fault.choice % 3 === 0) return false
    this.world.kill(this, fault)
    return true
  }

  #arrivalOf(order: string | undefined, afterUs: number): number {
    if (order === undefined) return afterUs
    const { us } = this.world.timeline
    const at = Math.max(us + afterUs, this.#arrivals.get(order) ?? 0)
    this.#arrivals.set(order, at)
    return at - us
  }

  #arrive<T>(options: CallOptions<T>, fault: Fault | undefined, resolve: (value: T) => void, reject: (error: unknown) => void): void {
    const { world } = this
    if (!this.alive && !this.#wireOutlives) return
    const refused = this.#refusal(options, fault)
    if (refused !== undefined) return this.#reply(world.dice.spread(20, 4_000), () => reject(refused))
    const own = fault === undefined ? undefined : options.faulted?.(fault)
    const effect = own === undefined ? options.effect : (): T => own
    world.trace(() => `${this.name}: ${options.name}${options.about === undefined ? '' : ` ${options.about()}`}`)
    let result: T | Promise<T>
    try {
      result = effect()
    } catch (error) {
      return this.#reply(0, () => reject(error))
    }
    // Dies with the effect done and the reply on its way.
    if (fault?.kind === 'process dies') {
      if (result instanceof Promise) result.catch(() => undefined)
      return world.kill(this, fault)
    }
    const answer = (value: T): void => {
      if (fault?.kind === 'reply lost' || fault?.kind === 'acknowledgement lost')
        return this.#reply(fault.ms * 1_000, () => reject(unavailable(`the reply to ${options.name} was lost`)))
      const lag = fault?.kind === 'read lags' || fault?.kind === 'write delayed' ? fault.ms * 1_000 : 0
      this.#reply(lag > 0 ? lag : world.dice.chance(0.7) ? 0 : world.dice.spread(20, 8_000), () => resolve(value))
    }
    if (result instanceof Promise) result.then(answer, (error: unknown) => this.#reply(0, () => reject(error)))
    else answer(result)
  }

  #refusal<T>({ side, name }: CallOptions<T>, fault: Fault | undefined): Error | undefined {
    if (this.world.isDown(side)) return unavailable(`${name}: the ${side === 'stream' ? 'stream' : 'store'} is down`)
    const kind = fault?.kind
    return kind === 'write rejected' || kind === 'read failed' || kind === 'acknowledgement rejected'
      ? unavailable(`${name} failed`)
      : undefined
  }

  /** At once if there is no time between, so that cheap calls cost one event. */
  #reply(afterUs: number, settle: () => void): void {
    if (afterUs === 0 && this.alive && !this.stalled) settle()
    else this.plan(afterUs, 'reply', settle)
  }
}

function unavailable(message: string): StoreUnavailable {
  return new StoreUnavailable(`simulated: ${message}`)
}
