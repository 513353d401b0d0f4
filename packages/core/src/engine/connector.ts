/**
 * Handles the events of a foreign stream, one holder at a time, in order per key. What a handler triggers or calls back
 * through its `api` has ids that follow from the event, so that an event which comes twice acts once.
 */
import { isWorkflowError, LeaseLost, ValidationError } from '../errors.ts'
import type { ConnectorModel } from '../model/definition.ts'
import { slotOf } from '../model/slot.ts'
import type { Timer } from '../model/timer.ts'
import type { Connector, ForeignEvent } from '../ports/connector.ts'
import type { Delivery, EventReceiver } from '../ports/event-streamer.ts'
import type { RoleLease, RoleScheduler } from '../ports/role-scheduler.ts'
import { validated } from '../schema.ts'
import { boundLogger } from './handler-run.ts'
import { labelsOf } from './labels.ts'
import { Lanes, type LaneTask } from './lanes.ts'
import type { Process } from './process.ts'
import { Reader } from './reader.ts'
import { sleep } from './waiting.ts'
import type { WorkerContext } from './worker-context.ts'

export interface ConnectorRunnerOptions {
  readonly name: string
  readonly model: ConnectorModel
  readonly source: Connector
  readonly scheduler: RoleScheduler
  readonly generation: number
  readonly limit: number
  /** Tells this connector's executions from those of slots and of other connectors. */
  readonly ordinal: number
  /** A client whose ids follow from `seed`. */
  readonly api: (seed: string) => object
}

interface ConnectorTask extends LaneTask {
  readonly event: ForeignEvent
  readonly failures: number
  readonly delivery?: Delivery<ForeignEvent>
  readonly timer?: Timer
  readonly signal: AbortSignal
}

const retryMs = 1_000

export class ConnectorRunner {
  readonly process: Process
  readonly #ctx: WorkerContext
  readonly #options: ConnectorRunnerOptions
  readonly #lanes: Lanes<ConnectorTask>
  #held = false

  constructor(ctx: WorkerContext, process: Process, options: ConnectorRunnerOptions) {
    this.#ctx = ctx
    this.process = process
    this.#options = options
    this.#lanes = new Lanes(options.limit, (task) => this.#work(task))
  }

  /** Whether this instance reads the stream now. */
  get held(): boolean {
    return this.#held
  }

  async run(stop: AbortSignal): Promise<void> {
    const { scheduler, generation, name } = this.#options
    const role = `${this.#ctx.contract.name.replaceAll('%', '%25').replaceAll('/', '%2F')}/connector ${name}`
    while (!stop.aborted) {
      try {
        const lease = await scheduler.awaitRole(role, { signal: stop, generation })
        await this.#hold(lease, stop)
      } catch (error) {
        if (stop.aborted || isWorkflowError(error, 'Stopped')) return
        this.#ctx.logger.error({ workflow: this.#ctx.contract.name, process: this.process.name, error }, 'the connector failed; trying again')
        await sleep(this.#ctx.clock, retryMs, stop).catch(() => undefined)
      }
    }
  }

  /** An event whose back-off has become a timer. */
  async retry(timer: Timer, end: () => void, signal: AbortSignal): Promise<void> {
    if (timer.data === undefined) return end()
    const stored = (await this.#ctx.codec.decode(timer.data, { runId: timer.key.owner, foreignId: timer.key.owner }, 'timer')) as Omit<ForeignEvent, 'at'> & { readonly at: string }
    const event: ForeignEvent = { ...stored, at: new Date(stored.at) }
    this.#lanes.offer({ lane: event.key, slot: timer.slot, event, failures: timer.attempt, timer, end, signal })
  }

  async #hold(lease: RoleLease, stop: AbortSignal): Promise<void> {
    const { source, name, ordinal } = this.#options
    const pulling = new AbortController()
    const work = new AbortController()
    const end = (): void => pulling.abort()
    const lost = (): void => {
      const error = new LeaseLost(`the role of connector '${name}' of workflow '${this.#ctx.contract.name}' is no longer held`)
      pulling.abort()
      work.abort(error)
      this.#ctx.executions.abort(error, ordinal)
    }
    stop.addEventListener('abort', end, { once: true })
    lease.yield.addEventListener('abort', end, { once: true })
    lease.signal.addEventListener('abort', lost, { once: true })
    if (stop.aborted || lease.yield.aborted) end()
    if (lease.signal.aborted) lost()
    let receiver: EventReceiver<ForeignEvent> | undefined
    try {
      this.#held = true
      receiver = await source.connect({ name: `${this.#ctx.contract.name}/${name}`, from: 'latest', fence: lease.fence })
      await this.#reader(receiver, work, lost).run(pulling.signal)
      this.#lanes.drop()
      await this.#lanes.idle()
    } finally {
      this.#held = false
      stop.removeEventListener('abort', end)
      lease.yield.removeEventListener('abort', end)
      lease.signal.removeEventListener('abort', lost)
      await receiver?.[Symbol.asyncDispose]()
      await lease.release()
    }
  }

  #reader(receiver: EventReceiver<ForeignEvent>, work: AbortController, lost: () => void): Reader<ForeignEvent> {
    return new Reader(this.#ctx, {
      name: this.process.name,
      receiver,
      window: this.#lanes,
      batch: Math.max(1, Math.floor(this.#options.limit / 2)),
      offer: (delivery) => this.#lanes.offer({ lane: delivery.event.key, slot: this.#options.ordinal, event: delivery.event, failures: 0, delivery, signal: work.signal }),
      fenced: lost,
      lost: (error) => this.#ctx.logger.error({ workflow: this.#ctx.contract.name, process: this.process.name, error }, 'the foreign stream has lost events; going on with what it has'),
    })
  }

  async #work(task: ConnectorTask): Promise<void> {
    const ctx = this.#ctx
    for (let failures = task.failures, waitedMs = 0; ; ) {
      if (task.signal.aborted) return
      try {
        await this.#handle(task, failures + 1)
        return await this.#finish(task)
      } catch (error) {
        if (task.signal.aborted || ctx.stopping.aborted || isWorkflowError(error, 'Fenced')) return
        failures += 1
        const delayMs = this.process.options.backOffMs(failures, error, ctx.clock.now(), ctx.random)
        ctx.instrumentation.count('workflow_process_error_count', 1, labelsOf(ctx, this.process.name))
        ctx.logger.warn({ workflow: ctx.contract.name, process: this.process.name, eventId: task.event.id, attempt: failures, error, retryInMs: delayMs }, 'a connector failed; trying again')
        waitedMs += delayMs
        try {
          if (waitedMs <= ctx.retryInPlaceMs) await sleep(ctx.clock, delayMs, ctx.stopping)
          else return await this.#retryLater(task, failures, delayMs)
        } catch (failure) {
          if (!ctx.stopping.aborted) ctx.logger.error({ workflow: ctx.contract.name, process: this.process.name, eventId: task.event.id, error: failure }, 'an event could not be put off; it will come again')
          return
        }
      }
    }
  }

  async #finish(task: ConnectorTask): Promise<void> {
    if (task.timer !== undefined) await this.#ctx.committer.commit({ id: this.#ctx.ids.unit(), timers: [{ settle: task.timer.key, as: 'completed' }] }, task.signal)
    await task.delivery?.ack()
  }

  async #retryLater(task: ConnectorTask, failures: number, delayMs: number): Promise<void> {
    const ctx = this.#ctx
    const at = new Date(ctx.clock.now() + delayMs)
    if (task.timer !== undefined) {
      await ctx.committer.commit({ id: ctx.ids.unit(), timers: [{ move: task.timer.key, at, attempt: failures }] }, task.signal)
    } else {
      const owner = `connector:${ctx.contract.name}/${this.#options.name}`
      const data = await ctx.codec.encode({ ...task.event, at: task.event.at.toISOString() }, { runId: owner, foreignId: owner }, 'timer')
      const key = { kind: 'retry', owner, epoch: 0, name: `${this.process.name}/${task.event.id}` } as const
      await ctx.committer.commit({ id: ctx.ids.unit(), timers: [{ put: { key, workflowName: ctx.contract.name, slot: slotOf(task.event.key, ctx.slots), at, held: false, attempt: failures, data } }] }, task.signal)
    }
    ctx.timersChanged()
    await task.delivery?.ack()
  }

  async #handle(task: ConnectorTask, attempt: number): Promise<void> {
    const ctx = this.#ctx
    const { model, api, name, ordinal } = this.#options
    const { event } = task
    const logger = boundLogger(ctx.logger, { workflow: ctx.contract.name, process: this.process.name, eventId: event.id, attempt })
    let data: unknown
    try {
      data = await validated(model.schema, event.value, () => `event ${event.id} of connector '${name}' of workflow '${ctx.contract.name}'`)
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error
      // No attempt will make it fit: others must not wait for it.
      logger.error({ error }, 'skipping an event that does not fit the schema of its connector')
      ctx.instrumentation.count('workflow_process_skipped_events_count', 1, { ...labelsOf(ctx, this.process.name), reason: 'invalid' })
      return
    }
    const { gate, options } = this.process
    if (!gate.tryEnter()) await gate.enter()
    const execution = ctx.executions.start(ordinal, options.deadlineMs)
    const context = {
      get signal(): AbortSignal {
        return execution.signal
      },
      logger,
    }
    try {
      const typed = { id: event.id, createdAt: event.at, headers: event.headers, data }
      await execution.run(() => model.handler(typed as never, api(`${ctx.contract.name}/${name}/${event.id}`) as never, context as never), undefined)
    } finally {
      ctx.executions.end(execution)
      gate.leave()
    }
  }
}
