/**
 * Sends committed events to a streamer that does not read the store: receive, send, acknowledge, in commit order. While some are sent
 * or acknowledged the next ones are read, up to a bound. If the process dies after sending and before acknowledging, the events go
 * out twice; every receiver knows duplicates.
 */
import { isWorkflowError } from '../errors.ts'
import type { RunEvent } from '../model/run-event.ts'
import type { Delivery, EventReceiver, EventSender, SlotClaim } from '../ports/event-streamer.ts'
import { Claims } from './claims.ts'
import { reportLag } from './lag.ts'
import type { Process } from './process.ts'
import { isTraceparent } from './span-start.ts'
import { sleep, turn } from './waiting.ts'
import type { WorkerContext } from './worker-context.ts'

/** So many batches at most have been read and are not acknowledged: one to be sent, one that is sent, one that is acknowledged. */
const inHandMax = 3

export interface OutboxRelayOptions {
  readonly receiver: EventReceiver<RunEvent>
  readonly sender: EventSender
  /** At most so many events at once. */
  readonly batch: number
  /** A newer holder has these slots. */
  readonly fenced: (slots: readonly number[]) => void
}

export class OutboxRelay {
  readonly process: Process
  readonly #ctx: WorkerContext
  readonly #options: OutboxRelayOptions
  readonly #claims: Claims
  /** Of what was read last. */
  #sent: Promise<void> = Promise.resolve()
  /** A promise for each batch that has been read and is not acknowledged. */
  readonly #inHand = new Set<Promise<void>>()
  /** Whether as many were read last as may be read at once. */
  #hasMore = false

  constructor(ctx: WorkerContext, process: Process, options: OutboxRelayOptions) {
    this.#ctx = ctx
    this.process = process
    this.#options = options
    this.#claims = new Claims(ctx, { name: process.name, fenced: options.fenced })
  }

  assign(claims: readonly SlotClaim[], until: AbortSignal): Promise<void> {
    return this.#claims.assign(this.#options.receiver, claims, until)
  }

  async run(stop: AbortSignal): Promise<void> {
    await this.#relayAll(stop)
    // What has been sent is acknowledged where the slot is still here: else whoever has it then sends it again.
    await Promise.allSettled(this.#inHand)
  }

  async #relayAll(stop: AbortSignal): Promise<void> {
    for (let failures = 0; !stop.aborted; ) {
      try {
        await this.#relay(stop)
        failures = 0
      } catch (error) {
        if (stop.aborted || isWorkflowError(error, 'Stopped')) return
        if (this.#claims.fenced(error)) continue
        failures += 1
        this.#ctx.instrumentation.count('workflow_process_error_count', 1, this.process.labels)
        await this.#backOff(failures, error, stop, 'the outbox could not be relayed; trying again').catch(() => undefined)
      }
    }
  }

  async #relay(stop: AbortSignal): Promise<void> {
    const { receiver, batch } = this.#options
    const deliveries = await receiver.receive({ max: batch, signal: stop })
    const events = deliveries.flatMap((delivery) => this.#read(delivery))
    this.#hasMore = deliveries.length === batch
    this.#sent = this.#sent.then(() => {
      // What has not been begun is for whoever comes next.
      stop.throwIfAborted()
      return events.length > 0 ? this.#publish(events, stop) : undefined
    })
    const over = this.#sent
      .then(() => this.#acknowledge(deliveries, stop))
      .then(() => {
        this.#inHand.delete(over)
        // Whatever there was has gone out: nothing lags until there is more. What was late is looked at again by itself.
        if (!this.#hasMore && this.#inHand.size === 0 && this.process.lagWatch === undefined) reportLag(this.#ctx, this.process, 0)
      })
    this.#inHand.add(over)
    // Only a stop ends one before its time; whoever waits hears of it.
    over.catch(() => undefined)
    if (this.#inHand.size >= inHandMax) await Promise.race(this.#inHand)
    await turn(this.#ctx.clock)
  }

  /** An event that cannot be read concerns nobody else: it is left out, and acknowledged with the others. */
  #read(delivery: Delivery<RunEvent>): readonly RunEvent[] {
    try {
      return [delivery.event]
    } catch (error) {
      this.#ctx.logger.error(
        { workflow: this.#ctx.contract.name, process: this.process.name, slot: delivery.slot, error },
        'an event cannot be read; leaving it out',
      )
      return []
    }
  }

  #publish(events: readonly RunEvent[], stop: AbortSignal): Promise<void> {
    const { instrumentation, contract } = this.#ctx
    if (instrumentation.span === undefined) return this.#send(events, stop)
    const attributes = { workflow: contract.name, process: this.process.name, events: events.length }
    const start = { kind: 'publish', name: this.process.name, attributes } as const
    // Events of many runs belong to no trace.
    const traceparent = sharedTraceparent(events)
    return instrumentation.span(traceparent === undefined ? start : { ...start, traceparent }, () => this.#send(events, stop))
  }

  /** The same events in the same order until they are through: a run's events must not overtake each other. */
  async #send(events: readonly RunEvent[], stop: AbortSignal): Promise<void> {
    for (let failures = 1; ; failures++) {
      this.#reportLag(events)
      try {
        return await this.#options.sender.send(events)
      } catch (error) {
        stop.throwIfAborted()
        await this.#backOff(failures, error, stop, 'sending events failed; sending them again')
      }
    }
  }

  /** How long the oldest of them has waited: also while they are sent again and again, because the broker is away. */
  #reportLag([oldest]: readonly RunEvent[]): void {
    if (oldest === undefined) return
    reportLag(this.#ctx, this.process, this.#ctx.clock.now() - oldest.at.getTime(), () => this.#inHand.size > 0)
  }

  /** They are not handed out again while the receiver lives: what is not acknowledged here stays in the outbox. */
  async #acknowledge(deliveries: readonly Delivery<RunEvent>[], stop: AbortSignal): Promise<void> {
    let left = deliveries
    for (let failures = 1; ; failures++) {
      const failed: { readonly delivery: Delivery<RunEvent>; readonly error: unknown }[] = []
      await Promise.all(
        left.map(async (delivery) => {
          try {
            await delivery.ack()
          } catch (error) {
            // Whoever has the slot now sends it again.
            if (!isWorkflowError(error, 'Fenced')) failed.push({ delivery, error })
          }
        }),
      )
      const [first] = failed
      if (first === undefined) return
      stop.throwIfAborted()
      left = failed.map(({ delivery }) => delivery)
      await this.#backOff(failures, first.error, stop, 'acknowledging events failed; acknowledging them again')
    }
  }

  async #backOff(attempt: number, error: unknown, stop: AbortSignal, message: string): Promise<void> {
    const { clock, random, logger, contract } = this.#ctx
    logger.error({ workflow: contract.name, process: this.process.name, error, attempt }, message)
    await sleep(clock, this.process.options.backOffMs(attempt, error, clock.now(), random), stop)
  }
}

function sharedTraceparent([first, ...others]: readonly RunEvent[]): string | undefined {
  const traceparent = first?.traceparent
  return isTraceparent(traceparent) && others.every((other) => other.traceparent === traceparent) ? traceparent : undefined
}
