/**
 * Sends committed events to a streamer that does not read the store: receive, send, acknowledge, in commit order. If
 * the process dies after sending and before acknowledging, the events go out twice; every receiver knows duplicates.
 */
import { isWorkflowError } from '../errors.ts'
import type { RunEvent } from '../model/run-event.ts'
import type { EventReceiver, EventSender, SlotClaim } from '../ports/event-streamer.ts'
import type { WorkerContext } from './worker-context.ts'
import { labelsOf } from './labels.ts'
import { reportLag } from './lag.ts'
import type { Process } from './process.ts'
import { sleep, turn } from './waiting.ts'

export class OutboxRelay {
  readonly process: Process
  readonly #ctx: WorkerContext
  readonly #batch: number
  #receiver: EventReceiver<RunEvent> | undefined
  #sender: EventSender | undefined
  readonly #fenced: (slots: readonly number[]) => void

  constructor(ctx: WorkerContext, process: Process, batch: number, fenced: (slots: readonly number[]) => void) {
    this.#ctx = ctx
    this.process = process
    this.#batch = batch
    this.#fenced = fenced
  }

  async open(): Promise<void> {
    this.#sender = await this.#ctx.streamer.newSender()
    this.#receiver = await this.#ctx.store.outbox.newReceiver({ workflowName: this.#ctx.contract.name, claims: [] })
  }

  async assign(claims: readonly SlotClaim[], until: AbortSignal): Promise<void> {
    for (;;) {
      try {
        return await this.#receiver?.assign(claims)
      } catch (error) {
        if (isWorkflowError(error, 'Fenced')) return this.#fenced(slotsOf(error.details['slots']))
        if (until.aborted || isWorkflowError(error, 'Stopped')) return
        this.#ctx.logger.error({ workflow: this.#ctx.contract.name, process: this.process.name, error }, 'the slots could not be assigned; trying again')
        await sleep(this.#ctx.clock, 1_000, until).catch(() => undefined)
      }
    }
  }

  async run(stop: AbortSignal): Promise<void> {
    for (let failures = 0; !stop.aborted; ) {
      try {
        await this.#relay(stop)
        failures = 0
      } catch (error) {
        if (stop.aborted || isWorkflowError(error, 'Stopped')) return
        if (isWorkflowError(error, 'Fenced')) {
          this.#fenced(slotsOf(error.details['slots']))
          continue
        }
        failures += 1
        const { clock, random, logger, contract, instrumentation } = this.#ctx
        instrumentation.count('workflow_process_error_count', 1, labelsOf(this.#ctx, this.process.name))
        logger.error({ workflow: contract.name, process: this.process.name, error, attempt: failures }, 'the outbox could not be relayed; trying again')
        await sleep(clock, this.process.options.backOffMs(failures, error, clock.now(), random), stop).catch(() => undefined)
      }
    }
  }

  async close(): Promise<void> {
    await this.#receiver?.[Symbol.asyncDispose]()
    await this.#sender?.[Symbol.asyncDispose]()
  }

  async #relay(stop: AbortSignal): Promise<void> {
    const deliveries = (await this.#receiver?.receive({ max: this.#batch, signal: stop })) ?? []
    const events = deliveries.map((delivery) => delivery.event)
    const [oldest] = events
    if (oldest !== undefined) reportLag(this.#ctx, this.process, this.#ctx.clock.now() - oldest.at.getTime())
    // The same events in the same order until they are through: a run's events must not overtake each other.
    for (let failures = 1; ; failures++) {
      try {
        await this.#sender?.send(events)
        break
      } catch (error) {
        stop.throwIfAborted()
        const { clock, random, logger, contract } = this.#ctx
        logger.error({ workflow: contract.name, process: this.process.name, error, attempt: failures, events: events.length }, 'sending events failed; sending them again')
        await sleep(clock, this.process.options.backOffMs(failures, error, clock.now(), random), stop)
      }
    }
    await Promise.all(deliveries.map((delivery) => delivery.ack()))
    await turn(this.#ctx.clock)
  }
}

function slotsOf(value: unknown): readonly number[] {
  return Array.isArray(value) ? value.filter((slot) => typeof slot === 'number') : []
}
