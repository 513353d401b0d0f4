/**
 * Where a worker's events come from: the reader of its runs, one per kind of hook, and the relay that sends what the
 * store has committed to a streamer of its own. Everything that is opened here is closed here, also when the opening
 * fails half-way.
 */
import type { HookKind } from '../model/definition.ts'
import type { RunEvent } from '../model/run-event.ts'
import { topicOf } from '../model/topic.ts'
import type { Delivery, EventReceiver, ReceiverSpec, SlotClaim } from '../ports/event-streamer.ts'
import type { Gate } from './gate.ts'
import { type HookRunner, hookStates } from './hook.ts'
import { OutboxRelay } from './outbox-relay.ts'
import type { Process } from './process.ts'
import { Reader } from './reader.ts'
import { hookReceiver, runsReceiver } from './receivers.ts'
import { abortable } from './waiting.ts'
import { processNames, type WorkerContext } from './worker-context.ts'

export interface IntakeOptions {
  /** By the name of their process. */
  readonly hooks: ReadonlyMap<string, HookRunner>
  readonly maxInFlight: number
  /** Absent: no relay. */
  readonly outbox?: { readonly process: Process; readonly batch: number }
  /** Takes an event of a run. */
  readonly offer: (delivery: Delivery<RunEvent>) => void
  /** A newer holder has these slots. */
  readonly fenced: (slots: readonly number[]) => void
}

/** What runs until it is told to stop, and follows the slots that are held. */
type Source = Pick<Reader<RunEvent>, 'name' | 'run' | 'assign' | 'nudge'>

/** So many events of a topic may wait for their turn, and are read at once, however many topics there are; fewer in a small window. */
const someEvents = 32

export class Intake {
  readonly #ctx: WorkerContext
  readonly #options: IntakeOptions
  readonly #opened: { readonly process: string; readonly resource: AsyncDisposable }[] = []
  #sources: readonly Source[] = []

  constructor(ctx: WorkerContext, options: IntakeOptions) {
    this.#ctx = ctx
    this.#options = options
  }

  /** What is to be run once it has been opened. */
  get sources(): readonly Source[] {
    return this.#sources
  }

  /** Opens everything or nothing. Throws `stop.reason` once that aborts. */
  async open(stop: AbortSignal): Promise<void> {
    const { streamer, contract, topics, slots } = this.#ctx
    stop.throwIfAborted()
    try {
      await abortable(streamer.ensure({ workflowName: contract.name, topics: topics.all, slots, receivers: this.#receivers() }), stop)
      this.#sources = [await this.#runs(stop), ...(await this.#hooks(stop)), ...(await this.#outbox(stop))]
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Makes everything follow the slots that are held. */
  async assign(claims: readonly SlotClaim[], until: AbortSignal): Promise<void> {
    await Promise.all(this.#sources.map((source) => source.assign(claims, until)))
    // Whoever waited for its turn in a slot that is gone waits no more.
    for (const source of this.#sources) source.nudge()
  }

  /** Never rejects. Idempotent. */
  async close(): Promise<void> {
    const { contract, logger } = this.#ctx
    await Promise.all(
      this.#opened.splice(0).map(async ({ process, resource }) => {
        try {
          await resource[Symbol.asyncDispose]()
        } catch (error) {
          logger.warn({ workflow: contract.name, process, error }, 'closing what a process had opened failed')
        }
      }),
    )
  }

  async #runs(stop: AbortSignal): Promise<Source> {
    const ctx = this.#ctx
    const { maxInFlight, offer, fenced } = this.#options
    const { name } = ctx.contract
    const gates = this.#gates()
    // What waits for its turn at one status, together with what is read of it at once, leaves room for the others.
    const share = Math.max(1, Math.min(someEvents, Math.floor(maxInFlight / 4)), Math.floor(maxInFlight / (2 * Math.max(1, gates.length))))
    const batch = Math.max(share, Math.min(someEvents, Math.floor(maxInFlight / 2)))
    const reader: Reader<RunEvent> = new Reader(ctx, {
      name: 'runs',
      receiver: await this.#receiver('runs', { name: runsReceiver(name), topics: ctx.topics.work, from: 'earliest' }, stop),
      window: ctx.lanes,
      batch,
      offer,
      except: () => {
        let except: Set<string> | undefined
        for (const { topic, gate } of gates) if (gate.waiting >= share) (except ??= new Set()).add(topic)
        return except
      },
      fenced,
      lost: (error) =>
        ctx.logger.error(
          { workflow: name, process: 'runs', error },
          'the stream has lost events; the sweeper will find the runs that they were for',
        ),
    })
    for (const { gate } of gates) {
      gate.drainedAt = Math.floor(share / 2)
      gate.onDrained = () => reader.nudge()
    }
    return reader
  }

  async #hooks(stop: AbortSignal): Promise<readonly Source[]> {
    const ctx = this.#ctx
    const { hooks, maxInFlight, fenced } = this.#options
    const { name } = ctx.contract
    const readers: Source[] = []
    for (const kind of this.#hookKinds()) {
      const hook = hooks.get(processNames.hook(kind))
      if (hook === undefined) continue
      readers.push(
        new Reader(ctx, {
          name: hook.process.name,
          receiver: await this.#receiver(
            hook.process.name,
            { name: hookReceiver(name, kind), topics: ctx.topics.state(hookStates[kind]), from: 'latest' },
            stop,
          ),
          window: hook.lanes,
          batch: Math.floor(maxInFlight / 2) || 1,
          offer: (delivery) => hook.offer(delivery),
          fenced,
          lost: (error) =>
            ctx.logger.error(
              { workflow: name, process: hook.process.name, error },
              'the stream has lost events: hooks may not have been called',
            ),
        }),
      )
    }
    return readers
  }

  async #outbox(stop: AbortSignal): Promise<readonly Source[]> {
    const { outbox, fenced } = this.#options
    const { streamer, store, contract } = this.#ctx
    if (outbox === undefined) return []
    const sender = await this.#keep('outbox', streamer.newSender(), stop)
    const receiver = await this.#keep('outbox', store.outbox.newReceiver({ workflowName: contract.name, claims: [] }), stop)
    const relay = new OutboxRelay(this.#ctx, outbox.process, { receiver, sender, batch: outbox.batch, fenced })
    return [
      { name: 'outbox', run: (until) => relay.run(until), assign: (claims, until) => relay.assign(claims, until), nudge: () => undefined },
    ]
  }

  #receiver(process: string, spec: ReceiverSpec, stop: AbortSignal): Promise<EventReceiver<RunEvent>> {
    return this.#keep(
      process,
      this.#ctx.streamer.newReceiver({ ...spec, durable: true, workflowName: this.#ctx.contract.name, claims: [] }),
      stop,
    )
  }

  /** What comes open only after the stop, when nobody waits for it any more, is closed again. */
  async #keep<T extends AsyncDisposable>(process: string, opening: Promise<T>, stop: AbortSignal): Promise<T> {
    return await abortable(
      opening.then(async (resource) => {
        this.#opened.push({ process, resource })
        if (stop.aborted) await this.close()
        return resource
      }),
      stop,
    )
  }

  #receivers(): readonly ReceiverSpec[] {
    const { contract, topics } = this.#ctx
    return [
      { name: runsReceiver(contract.name), topics: topics.work, from: 'earliest' },
      ...this.#hookKinds().map(
        (kind) => ({ name: hookReceiver(contract.name, kind), topics: topics.state(hookStates[kind]), from: 'latest' }) as const,
      ),
    ]
  }

  #hookKinds(): readonly HookKind[] {
    const { hooks } = this.#ctx.definition
    // The cast holds because the record has exactly these keys.
    return (Object.keys(hooks) as HookKind[]).filter((kind) => hooks[kind].length > 0)
  }

  /** Where whoever came by an event may wait for its turn, by the topic of the event. */
  #gates(): readonly { readonly topic: string; readonly gate: Gate }[] {
    const { contract, processes } = this.#ctx
    return [...contract.graph.keys()].flatMap((status) =>
      [processNames.step(status), processNames.callback(status), processNames.join(status)].flatMap((name) => {
        const gate = processes.get(name)?.gate
        return gate === undefined ? [] : [{ topic: topicOf(contract.name, status), gate }]
      }),
    )
  }
}
