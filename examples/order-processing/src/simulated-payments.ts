/**
 * Plays a payment service in another company: it has books of its own, is sometimes slow, now and then fails before it
 * has done anything, and now and then charges and loses its reply, which looks the same from outside. It answers the
 * same key with the same result.
 */
import { chance } from './chance.ts'
import type { PaymentLedger } from './payment-ledger.ts'
import type { ChargeRequest, Payment, Payments } from './payments.ts'

/** Like the test cards of real services: it is always declined. */
export const declinedCard = /-0002$/

export interface SimulationOptions {
  readonly seed: string
  /** 1 = as slow as life; 20 = twenty times as fast. */
  readonly speed: number
}

/** What the service has seen since this process began. */
export interface PaymentStatistics {
  readonly requests: number
  readonly repeats: number
  readonly unavailable: number
  readonly repliesLost: number
}

/** The caller does not learn what became of its request. */
export class PaymentServiceFailed extends Error {
  override readonly name = 'PaymentServiceFailed'
}

const usualMs = 60
const spreadMs = 180
const slowMs = 3_000
const slowShare = 0.02
const unavailableShare = 0.04
const replyLostShare = 0.02

export class SimulatedPayments implements Payments {
  readonly #ledger: PaymentLedger
  readonly #options: SimulationOptions
  readonly #requestsOf = new Map<string, number>()
  #statistics: PaymentStatistics = { requests: 0, repeats: 0, unavailable: 0, repliesLost: 0 }

  constructor(ledger: PaymentLedger, options: SimulationOptions) {
    this.#ledger = ledger
    this.#options = options
  }

  get statistics(): PaymentStatistics {
    return this.#statistics
  }

  charge(request: ChargeRequest, signal: AbortSignal): Promise<Payment> {
    // Giving up ends the caller's wait. The service knows nothing of it and goes on with what it has begun.
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(signal.reason)
      if (signal.aborted) return giveUp()
      signal.addEventListener('abort', giveUp, { once: true })
      this.#serve(request)
        .then(resolve, reject)
        .finally(() => signal.removeEventListener('abort', giveUp))
    })
  }

  async #serve(request: ChargeRequest): Promise<Payment> {
    const nth = (this.#requestsOf.get(request.key) ?? 0) + 1
    this.#requestsOf.set(request.key, nth)
    this.#count('requests')
    if (nth > 1) this.#count('repeats')
    const draw = (what: string): number => chance(this.#options.seed, what, request.orderId, request.card, nth)
    const slow = draw('slow') < slowShare
    const latencyMs = (usualMs + spreadMs * draw('latency') + (slow ? slowMs * draw('slowness') : 0)) / this.#options.speed
    await sleep(latencyMs / 2)
    const failure = draw('failure')
    if (failure < unavailableShare) {
      this.#count('unavailable')
      throw new PaymentServiceFailed('the payment service is unavailable')
    }
    // The process that plays the service is on its way out: a service that is gone does not answer.
    if (!this.#ledger.open) throw new PaymentServiceFailed('the payment service is gone')
    const payment = this.#ledger.record(request, declinedCard.test(request.card) ? 'declined' : 'charged')
    await sleep(latencyMs / 2)
    if (failure < unavailableShare + replyLostShare) {
      this.#count('repliesLost')
      throw new PaymentServiceFailed('the connection to the payment service was lost')
    }
    return payment
  }

  #count(name: keyof PaymentStatistics): void {
    this.#statistics = { ...this.#statistics, [name]: this.#statistics[name] + 1 }
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
