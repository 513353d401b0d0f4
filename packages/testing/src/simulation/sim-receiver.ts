/**
 * A receiver of one process: deliveries take their time, come twice, come to the wrong process or not at all, and
 * acknowledgements get lost on their way. What was handed out and not taken waits here.
 */
import {
  EventsLost,
  Fenced,
  Stopped,
  StoreUnavailable,
  type Delivery,
  type EventReceiver,
  type ReceiveOptions,
  type SlotClaim,
} from '@workflow/core/adapter'
import type { Fault } from './fault.ts'
import type { SimProcess } from './sim-process.ts'

interface Pending<E> {
  readonly options: ReceiveOptions
  readonly settle: (deliveries: readonly Delivery<E>[]) => void
  readonly fail: (error: unknown) => void
}

interface Acknowledgement {
  readonly ack: () => Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface SimReceiverOptions<E> {
  readonly name: string
  readonly receiver: EventReceiver<E>
  /** Hears of every delivery that is acknowledged. */
  readonly onAcknowledged?: (event: E) => void
  /** Whether the stream may lose an event for good: only where a net catches it. */
  readonly mayLose: boolean
  /** What is opened under the same name elsewhere, this one included. */
  readonly siblings: Set<SimReceiver<E>>
}

export class SimReceiver<E> implements EventReceiver<E> {
  readonly #process: SimProcess
  readonly #options: SimReceiverOptions<E>
  readonly #buffer: Delivery<E>[] = []
  readonly #errors: unknown[] = []
  readonly #acks: Acknowledgement[] = []
  #sendingAcks = false
  #claims: readonly SlotClaim[] = []
  #pending: Pending<E> | undefined
  #pulling: AbortController | undefined
  #closed = false

  constructor(process: SimProcess, options: SimReceiverOptions<E>) {
    this.#process = process
    this.#options = options
    options.siblings.add(this)
    process.onDeath(() => this.#gone())
  }

  get claimed(): readonly number[] {
    return this.#claims.map(({ slot }) => slot)
  }

  readonly receive = (options: ReceiveOptions): Promise<readonly Delivery<E>[]> => {
    const { world } = this.#process
    return new Promise((settle, fail) => {
      if (options.signal.aborted) return fail(options.signal.reason)
      if (this.#closed) return fail(this.#stopped())
      if (world.isDown('stream'))
        return void this.#process.plan(world.dice.spread(20, 20_000), 'reply', () =>
          fail(new StoreUnavailable('simulated: the stream is down')),
        )
      const abort = (): void => {
        this.#pending = undefined
        this.#pulling?.abort(options.signal.reason)
        fail(options.signal.reason)
      }
      options.signal.addEventListener('abort', abort, { once: true })
      const forget = (): void => options.signal.removeEventListener('abort', abort)
      this.#pending = {
        options,
        settle: (deliveries) => {
          forget()
          settle(deliveries)
        },
        fail: (error) => {
          forget()
          fail(error)
        },
      }
      this.#serve()
      if (this.#pending !== undefined) this.#pull(options)
    })
  }

  readonly assign = (claims: readonly SlotClaim[]): Promise<void> =>
    this.#process.call({
      place: 'read',
      name: `assign ${this.#options.name} ${claims.map(({ slot }) => slot).join()}`,
      side: 'stream',
      order: `assign ${this.#options.name}`,
      effect: async () => {
        this.#claims = claims
        const slots = new Set(this.claimed)
        for (let i = this.#buffer.length - 1; i >= 0; i--) if (!slots.has(this.#buffer[i]?.slot ?? -1)) this.#buffer.splice(i, 1)
        await this.#options.receiver.assign(claims)
      },
    })

  /** The stream gives a slot to somebody else, although its role is ours. */
  rebalance(slot: number): void {
    if (this.#closed || !this.claimed.includes(slot)) return
    this.#claims = this.#claims.filter((claim) => claim.slot !== slot)
    this.#options.receiver.assign(this.#claims).catch(() => undefined)
    const error = new Fenced(`simulated: slot ${slot} of ${this.#options.name} has moved`, {
      details: { receiver: this.#options.name, slots: [slot] },
    })
    this.#process.plan(this.#process.world.dice.spread(20, 50_000), 'delivery', () => {
      this.#errors.push(error)
      this.#serve()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#gone()
    this.#pending?.fail(this.#stopped())
    this.#pending = undefined
    this.#pulling?.abort(this.#stopped())
    await this.#options.receiver[Symbol.asyncDispose]()
  }

  #gone(): void {
    this.#closed = true
    this.#options.siblings.delete(this)
  }

  #stopped(): Stopped {
    return new Stopped(`simulated: receiver ${this.#options.name} has been closed`)
  }

  /** Answers the call that waits, if there is something for it. */
  #serve(): void {
    const pending = this.#pending
    if (pending === undefined) return
    if (this.#errors.length > 0) {
      this.#pending = undefined
      return pending.fail(this.#errors.shift())
    }
    const { max, except } = pending.options
    const taken: Delivery<E>[] = []
    for (let i = 0; i < this.#buffer.length && taken.length < max; ) {
      const delivery = this.#buffer[i]
      if (delivery === undefined || except?.has(delivery.topic) === true) i++
      else {
        taken.push(delivery)
        this.#buffer.splice(i, 1)
      }
    }
    if (taken.length === 0) return
    this.#pending = undefined
    this.#process.world.trace(() => `${this.#process.name}: is handed ${taken.length} of ${this.#options.name}`)
    pending.settle(taken)
  }

  #pull({ max, except }: ReceiveOptions): void {
    // What is asked for counts when it is asked: an older question is taken back, and asked anew.
    if (this.#pulling !== undefined) return this.#pulling.abort()
    const pulling = new AbortController()
    this.#pulling = pulling
    this.#options.receiver.receive({ max, ...(except === undefined ? undefined : { except }), signal: pulling.signal }).then(
      (deliveries) => this.#pulled(deliveries),
      (error: unknown) => {
        this.#pulling = undefined
        if (pulling.signal.aborted) return this.#pullAgain()
        this.#errors.push(error)
        this.#process.plan(0, 'delivery', () => this.#serve())
      },
    )
  }

  /** Somebody asked again while the last call was being given up. */
  #pullAgain(): void {
    if (this.#pending !== undefined && !this.#closed) this.#pull(this.#pending.options)
  }

  #pulled(deliveries: readonly Delivery<E>[]): void {
    this.#pulling = undefined
    const { world } = this.#process
    const fault = world.faults.at('receive')
    if (fault !== undefined)
      world.trace(() => `${this.#process.name}: events of ${this.#options.name} meet fault #${fault.id} (${fault.kind})`)
    const wrapped = deliveries.map((delivery) => this.#wrapped(delivery))
    const kept = fault === undefined ? wrapped : this.#struck(fault, wrapped, deliveries)
    this.#land(kept, fault?.kind === 'event delayed' ? fault.ms * 1_000 : world.dice.spread(20, 10_000))
  }

  #land(deliveries: readonly Delivery<E>[], afterUs: number): void {
    const { world } = this.#process
    this.#process.plan(afterUs, 'delivery', () => {
      if (this.#closed) return
      if (world.isDown('stream')) return this.#land(deliveries, 200_000)
      this.#buffer.push(...deliveries)
      this.#serve()
      this.#pullAgain()
    })
  }

  #wrapped(delivery: Delivery<E>): Delivery<E> {
    let acknowledged: Promise<void> | undefined
    return {
      ...delivery,
      ack: () =>
        (acknowledged ??= this.#acknowledge(delivery).catch((error: unknown) => {
          acknowledged = undefined
          throw error
        })),
    }
  }

  #struck(fault: Fault, deliveries: readonly Delivery<E>[], originals: readonly Delivery<E>[]): readonly Delivery<E>[] {
    const victim = deliveries[fault.choice % Math.max(1, deliveries.length)]
    if (victim === undefined) return deliveries
    const again = { ...victim, redelivered: true, ack: () => Promise.resolve() }
    if (fault.kind === 'event duplicated') {
      if (fault.choice % 2 === 0) return deliveries.flatMap((delivery) => (delivery === victim ? [delivery, again] : [delivery]))
      this.#land([again], fault.ms * 1_000)
    } else if (fault.kind === 'event to the wrong instance') {
      const others = [...this.#options.siblings].filter((other) => other !== this)
      const fenced = (): Promise<void> =>
        Promise.reject(new Fenced('simulated: the event belongs to somebody else', { details: { slots: [victim.slot] } }))
      const other = others[fault.choice % Math.max(1, others.length)]
      if (other !== undefined) other.#land([{ ...victim, ack: fenced }], fault.ms * 1_000)
    } else if (fault.kind === 'event lost' && this.#options.mayLose) {
      // The stream has forgotten it: nobody waits for its acknowledgement.
      originals[deliveries.indexOf(victim)]?.ack().catch(() => undefined)
      // A good stream says so.
      if (fault.choice % 2 === 0)
        this.#errors.push(
          new EventsLost(`simulated: ${this.#options.name} has lost an event`, { details: { topic: victim.topic, slot: victim.slot } }),
        )
      return deliveries.filter((delivery) => delivery !== victim)
    }
    return deliveries
  }

  /** What is acknowledged together goes together. */
  #acknowledge(delivery: Delivery<E>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#acks.push({
        ack: async () => {
          await delivery.ack()
          this.#options.onAcknowledged?.(delivery.event)
        },
        resolve,
        reject,
      })
      if (this.#sendingAcks) return
      this.#sendingAcks = true
      let batch: Acknowledgement[] | undefined
      const take = (): Acknowledgement[] => {
        this.#sendingAcks = false
        return this.#acks.splice(0)
      }
      this.#process
        .call({
          place: 'acknowledge',
          name: `ack of ${this.#options.name}`,
          side: 'stream',
          effect: () => {
            batch = take()
            return Promise.allSettled(batch.map(({ ack }) => ack()))
          },
        })
        .then(
          (results) => {
            for (const [index, result] of results.entries()) {
              if (result.status === 'fulfilled') batch?.[index]?.resolve()
              else batch?.[index]?.reject(result.reason)
            }
          },
          (error: unknown) => {
            for (const each of batch ?? take()) each.reject(error)
          },
        )
    })
  }
}
