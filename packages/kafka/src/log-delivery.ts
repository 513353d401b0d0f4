/** One event handed out. */
import type { Delivery, Ticket } from '@workflow/core/adapter'
import type { Holding } from './holding.ts'
import type { Source } from './source.ts'

const done: Promise<void> = Promise.resolve()

export class LogDelivery<E> implements Delivery<E> {
  readonly event: E
  readonly topic: string
  readonly slot: number
  readonly redelivered: boolean
  readonly #source: Source
  readonly #holding: Holding | undefined
  readonly #ticket: Ticket | undefined
  readonly #era: number
  #acked = false

  constructor(event: E, source: Source, offset: number, holding: Holding | undefined) {
    this.event = event
    this.topic = source.spec.topic
    this.slot = source.spec.slot
    this.redelivered = source.mayBeRepeated(offset)
    this.#source = source
    this.#holding = holding
    this.#ticket = source.handOut(offset)
    this.#era = source.era
  }

  readonly ack = (): Promise<void> => {
    if (this.#acked || this.#ticket === undefined || this.#holding === undefined) return done
    if (this.#holding.isHeld) this.#source.acknowledge(this.#ticket, this.#era)
    return this.#commit(this.#holding)
  }

  async #commit(holding: Holding): Promise<void> {
    await holding.commit()
    this.#acked = true
  }
}
