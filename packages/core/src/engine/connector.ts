/**
 * Handles the events of a foreign stream, one holder at a time, in order per key. What a handler triggers or calls back
 * through its `api` has ids that follow from the event, so that an event which comes twice acts once.
 */
import { isWorkflowError, LeaseLost, StoreCorrupt, ValidationError } from '../errors.ts'
import type { ConnectorModel } from '../model/definition.ts'
import { slotOf } from '../model/slot.ts'
import type { Timer } from '../model/timer.ts'
import type { Connector, ForeignEvent } from '../ports/connector.ts'
import type { EventReceiver } from '../ports/event-streamer.ts'
import type { Logger } from '../ports/logger.ts'
import type { RoleLease, RoleScheduler } from '../ports/role-scheduler.ts'
import { validated } from '../schema.ts'
import type { Lanes } from './lanes.ts'
import { type PersistentTask, PersistentWork, type Prepared, roleOfSlot } from './persistent-work.ts'
import type { Process } from './process.ts'
import { Reader } from './reader.ts'
import { traceFields } from './log-fields.ts'
import { traceparentIn } from './span-start.ts'
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

interface ConnectorTask extends PersistentTask {
  readonly event: ForeignEvent
  /** The signal of the role under which work for the event may be started now. */
  readonly role: () => AbortSignal | undefined
  /** Gives that role back. */
  readonly giveBack?: () => void
}

const ownerPrefix = 'connector:'
const retryMs = 1_000

/** Which connector of the workflow a timer brings an event back to; undefined for timers of others. */
export function connectorOf(workflowName: string, timer: Timer): string | undefined {
  const prefix = `${ownerPrefix}${workflowName}/`
  return timer.key.owner.startsWith(prefix) ? timer.key.owner.slice(prefix.length) : undefined
}

export class ConnectorRunner {
  readonly process: Process
  readonly #ctx: WorkerContext
  readonly #options: ConnectorRunnerOptions
  readonly #fresh: PersistentWork<ConnectorTask>
  readonly #again: PersistentWork<ConnectorTask>
  #held = false

  constructor(ctx: WorkerContext, process: Process, options: ConnectorRunnerOptions) {
    this.#ctx = ctx
    this.process = process
    this.#options = options
    this.#fresh = this.#work()
    this.#again = this.#work()
  }

  /** Events whose back-off was a timer. They belong to the holder of the timer's slot, which need not be who reads the stream. */
  get retries(): Lanes<ConnectorTask> {
    return this.#again.lanes
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
        if (await this.#hold(lease, stop)) await sleep(this.#ctx.clock, retryMs, stop)
      } catch (error) {
        if (stop.aborted || isWorkflowError(error, 'Stopped')) return
        this.#ctx.logger.error(
          { workflow: this.#ctx.contract.name, process: this.process.name, error },
          'the connector failed; trying again',
        )
        await sleep(this.#ctx.clock, retryMs, stop).catch(() => undefined)
      }
    }
  }

  /** An event whose back-off has become a timer. */
  retry(timer: Timer, end: () => void): void {
    this.#stored(timer).then(
      (event) => {
        this.retries.offer({
          lane: event.key,
          slot: timer.slot,
          event,
          failures: timer.attempt,
          timer,
          end,
          role: () => roleOfSlot(this.#ctx, timer.slot),
        })
      },
      (error: unknown) => {
        this.#ctx.logger.error(
          {
            workflow: this.#ctx.contract.name,
            process: this.process.name,
            eventId: timer.key.name.slice(this.process.name.length + 1),
            error,
          },
          'an event that waits for its retry cannot be read; trying again',
        )
        end()
      },
    )
  }

  async #stored(timer: Timer): Promise<ForeignEvent> {
    const owner = timer.key.owner
    if (timer.data === undefined) throw new StoreCorrupt(`the timer of a retry of connector '${this.#options.name}' has lost its event`)
    // The cast holds because only this class writes such timers.
    const stored = (await this.#ctx.codec.decode(timer.data, { runId: owner, foreignId: owner }, 'timer')) as Omit<ForeignEvent, 'at'> & {
      readonly at: string
    }
    return { ...stored, at: new Date(stored.at) }
  }

  /** Answers whether to wait before asking for the role again: somebody newer has the stream, or an event was left in the middle. */
  async #hold(lease: RoleLease, stop: AbortSignal): Promise<boolean> {
    const { source, name, ordinal, model } = this.#options
    const pulling = new AbortController()
    const work = new AbortController()
    const end = (): void => {
      pulling.abort()
      // Who waits for a turn must not wait for the others before the role is given back.
      this.process.gate.evict(ordinal)
    }
    const lost = (): void => {
      const error = new LeaseLost(`the role of connector '${name}' of workflow '${this.#ctx.contract.name}' is no longer held`)
      end()
      work.abort(error)
      this.#ctx.executions.abort(error, ordinal)
    }
    stop.addEventListener('abort', end, { once: true })
    lease.yield.addEventListener('abort', end, { once: true })
    lease.signal.addEventListener('abort', lost, { once: true })
    if (stop.aborted || lease.yield.aborted) end()
    if (lease.signal.aborted) lost()
    let rests = false
    const taken = (): void => {
      rests = true
      lost()
    }
    const giveBack = (): void => {
      if (pulling.signal.aborted) return
      rests = true
      end()
    }
    let receiver: EventReceiver<ForeignEvent> | undefined
    try {
      receiver = await source.connect({ name: `${this.#ctx.contract.name}/${name}`, from: model.from, fence: lease.fence })
      // Only now: whoever looks at the states relies on its place in the stream.
      this.#held = true
      const role = (): AbortSignal | undefined => (pulling.signal.aborted || !lease.isValid() ? undefined : work.signal)
      await this.#reader(receiver, role, taken, giveBack).run(pulling.signal)
      this.#fresh.lanes.drop()
      await this.#fresh.lanes.idle()
      return rests
    } finally {
      this.#held = false
      stop.removeEventListener('abort', end)
      lease.yield.removeEventListener('abort', end)
      lease.signal.removeEventListener('abort', lost)
      try {
        await receiver?.[Symbol.asyncDispose]()
      } finally {
        await lease.release()
      }
    }
  }

  #reader(
    receiver: EventReceiver<ForeignEvent>,
    role: () => AbortSignal | undefined,
    lost: () => void,
    giveBack: () => void,
  ): Reader<ForeignEvent> {
    const { lanes } = this.#fresh
    return new Reader(this.#ctx, {
      name: this.process.name,
      receiver,
      window: lanes,
      batch: Math.max(1, Math.floor(this.#options.limit / 2)),
      offer: (delivery) =>
        lanes.offer({
          lane: delivery.event.key,
          slot: this.#options.ordinal,
          event: delivery.event,
          failures: 0,
          delivery,
          // A connector of others may leave it out.
          at: Number(delivery.event.at),
          role,
          giveBack,
        }),
      fenced: lost,
      lost: (error) =>
        this.#ctx.logger.error(
          { workflow: this.#ctx.contract.name, process: this.process.name, error },
          'the foreign stream has lost events; going on with what it has',
        ),
    })
  }

  #work(): PersistentWork<ConnectorTask> {
    return new PersistentWork<ConnectorTask>(this.#ctx, this.process, {
      limit: this.#options.limit,
      subject: 'a connector',
      role: (task) => task.role(),
      giveBack: (task) => task.giveBack?.(),
      fields: ({ event }) => ({ eventId: event.id }),
      prepare: (task, logger) => this.#prepare(task.event, logger),
      retryTimer: (task, at, attempt) => this.#retryTimer(task.event, at, attempt),
    })
  }

  async #retryTimer(event: ForeignEvent, at: Date, attempt: number): Promise<Timer> {
    const { contract, codec, slots } = this.#ctx
    const owner = `${ownerPrefix}${contract.name}/${this.#options.name}`
    const data = await codec.encode({ ...event, at: event.at.toISOString() }, { runId: owner, foreignId: owner }, 'timer')
    return {
      key: { kind: 'retry', owner, epoch: 0, name: `${this.process.name}/${event.id}` },
      workflowName: contract.name,
      slot: slotOf(event.key, slots),
      at,
      held: false,
      attempt,
      data,
    }
  }

  async #prepare(event: ForeignEvent, logger: Logger): Promise<Prepared | undefined> {
    const ctx = this.#ctx
    const { model, api, name } = this.#options
    let data: unknown
    try {
      const checked = validated(
        model.schema,
        event.value,
        () => `event ${event.id} of connector '${name}' of workflow '${ctx.contract.name}'`,
      )
      // A schema that asks somebody else has its deadline, too.
      data =
        checked instanceof Promise
          ? await ctx.executions.within(this.#options.ordinal, this.process.options.deadlineMs, () => checked)
          : checked
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error
      // No attempt will make it fit: others must not wait for it.
      logger.error({ error }, 'skipping an event that does not fit the schema of its connector')
      ctx.measures.skipped(this.process.name, 'invalid')
      return undefined
    }
    const typed = { id: event.id, createdAt: event.at, headers: event.headers, data }
    // The casts hold because the definition's types have bound the handler to this schema and contract.
    const traceparent = traceparentIn(event.headers)
    return {
      fields: traceFields(traceparent),
      span: {
        kind: 'connector',
        attributes: { eventId: event.id },
        since: event.at,
        ...(traceparent === undefined ? undefined : { traceparent }),
      },
      call: async (context) => {
        await model.handler(typed as never, api(`${ctx.contract.name}/${name}/${event.id}`) as never, context as never)
      },
    }
  }
}
