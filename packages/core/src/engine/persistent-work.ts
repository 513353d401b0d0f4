/**
 * Handles tasks that must succeed in the end, however often they fail: the events of hooks and of connectors. A short
 * back-off is waited out in the lane, a long one becomes a timer, so that a failing task holds nobody up and survives a
 * restart. If the process dies here, the delivery is unacknowledged or the timer open: the task comes again.
 */
import { isWorkflowError } from '../errors.ts'
import type { Timer, TimerOp } from '../model/timer.ts'
import type { Delivery } from '../ports/event-streamer.ts'
import type { Logger } from '../ports/logger.ts'
import type { SpanStart } from '../ports/instrumentation.ts'
import type { Execution } from './execution.ts'
import { boundLogger } from './handler-run.ts'
import { reportLag } from './lag.ts'
import { type Lane, Lanes, type LaneTask } from './lanes.ts'
import type { Process } from './process.ts'
import { traceIdOf } from './span-start.ts'
import type { WorkerContext } from './worker-context.ts'

/** Something to do until it succeeds. It has come by a delivery, or by the timer of its retry. */
export interface PersistentTask extends LaneTask {
  /** How many attempts have failed already. */
  readonly failures: number
  readonly delivery?: Pick<Delivery<unknown>, 'ack'>
  /** When its event was made, in milliseconds since the epoch; absent for a retry. */
  readonly at?: number
  readonly timer?: Timer
}

/** What a handler is given beside its subject. */
export interface HandlerContext {
  readonly signal: AbortSignal
  readonly logger: Logger
  readonly traceparent: string | undefined
}

/** A task whose handlers wait for their turn. */
export interface Prepared {
  /** What the handlers' logger says besides. */
  readonly fields: object
  /** What one attempt at it is traced as, but for its process and attempt. */
  readonly span: Omit<SpanStart, 'name'>
  readonly call: (context: HandlerContext) => Promise<void>
}

export interface PersistentWorkOptions<T extends PersistentTask> {
  /** How many tasks may be in hand. */
  readonly limit: number
  /** What is tried, for the log: 'a hook'. */
  readonly subject: string
  /** The signal of the role under which work for the task may be started now; another one for each time that the role is won. */
  readonly role: (task: T) => AbortSignal | undefined
  /** A delivery was left unacknowledged: it comes again only when the role changes hands, so the role is to be given back. Does nothing when it is going already. */
  readonly giveBack: (task: T) => void
  /** What says in logs which task it is. */
  readonly fields: (task: T) => object
  /** Reads what the handlers need. Undefined: nothing is to be done. */
  readonly prepare: (task: T, logger: Logger) => Promise<Prepared | undefined>
  /** The timer that brings the task back. */
  readonly retryTimer: (task: T, at: Date, attempt: number) => Timer | Promise<Timer>
}

/** At most this part of the lanes waits out back-offs: the others are for those that have something to do. */
const parkedShare = 1 / 4

export class PersistentWork<T extends PersistentTask> {
  readonly lanes: Lanes<T>
  readonly #ctx: WorkerContext
  readonly #process: Process
  readonly #options: PersistentWorkOptions<T>
  /** What was read of a task for its handlers says in later lines what it is about. */
  readonly #known = new WeakMap<T, object>()

  constructor(ctx: WorkerContext, process: Process, options: PersistentWorkOptions<T>) {
    this.#ctx = ctx
    this.#process = process
    this.#options = options
    this.lanes = new Lanes(options.limit, (task, lane) => this.#work(task, lane))
  }

  /** Never rejects: what cannot be finished here is left to come again. */
  async #work(task: T, lane: Lane<T>): Promise<void> {
    if (!(await this.#isDone(task, lane)) && task.delivery !== undefined) this.#options.giveBack(task)
  }

  async #isDone(task: T, lane: Lane<T>): Promise<boolean> {
    const role = this.#options.role(task)
    if (role === undefined) return false
    // What is left to write once the handlers need not be called again here.
    let finish: (() => Promise<void>) | undefined
    for (let failures = task.failures, waitedMs = 0; this.#isOurs(task, role); ) {
      const logger = this.#logger(task, failures + 1)
      try {
        if (finish === undefined) {
          if (!(await this.#handle(task, role, logger, failures + 1))) return false
          finish = () => this.#finish(task, role)
        }
        await finish()
        return true
      } catch (error) {
        if (!this.#isOurs(task, role) || (finish !== undefined && isWorkflowError(error, 'Fenced'))) return false
        failures += 1
        const delayMs = this.#failed(failures, error, this.#logger(task, failures), finish !== undefined)
        const parks = waitedMs + delayMs <= this.#ctx.retryInPlaceMs && this.lanes.parked < this.lanes.limit * parkedShare
        if (finish === undefined && !parks && (await this.#putOff(task, role, failures, delayMs, logger))) {
          finish = async () => await task.delivery?.ack()
          continue
        }
        waitedMs += delayMs
        await this.#park(task, role, lane, delayMs)
      }
    }
    return false
  }

  /** Whether work for the task may still be started under the role that it was taken up under. */
  #isOurs(task: T, role: AbortSignal): boolean {
    return !this.#ctx.stopping.aborted && !role.aborted && this.#options.role(task) === role
  }

  /** Waits for a turn and calls the handlers. False: the role or the workflow ended before the turn came. */
  async #handle(task: T, role: AbortSignal, logger: Logger, attempt: number): Promise<boolean> {
    const prepared = await this.#options.prepare(task, logger)
    if (prepared === undefined) return true
    if (!this.#isOurs(task, role)) return false
    this.#known.set(task, prepared.fields)
    const { gate, options } = this.#process
    if (!gate.tryEnter()) {
      if (!(await new Promise<boolean>((resolve) => gate.queue(resolve, task.slot)))) return false
      if (!this.#isOurs(task, role)) {
        gate.leave()
        return false
      }
    }
    const { executions, clock, instrumentation } = this.#ctx
    if (task.at !== undefined && attempt === 1) reportLag(this.#ctx, this.#process, Math.max(0, clock.now() - task.at))
    const execution = executions.start(task.slot, options.deadlineMs)
    const told = this.#logger(task, attempt, this.#ctx.handlerLogger)
    const call = (traceparent: string | undefined): Promise<unknown> =>
      new Promise((resolve, reject) => execution.run(prepared.call, contextOf(execution, told, traceparent), resolve, reject))
    try {
      await this.#traced(prepared.span, attempt, call)
      return true
    } finally {
      executions.end(execution)
      gate.leave()
      instrumentation.observe('workflow_process_latency_seconds', (clock.monotonic() - execution.startedAt) / 1_000, this.#process.labels)
    }
  }

  #traced(start: Prepared['span'], attempt: number, call: (traceparent: string | undefined) => Promise<unknown>): Promise<unknown> {
    const { span } = this.#ctx.instrumentation
    if (span === undefined) return call(start.traceparent)
    const attributes = { workflow: this.#ctx.contract.name, process: this.#process.name, ...start.attributes, attempt }
    return span({ ...start, name: this.#process.name, attributes }, (traceparent) => call(traceparent ?? start.traceparent))
  }

  async #finish(task: T, role: AbortSignal): Promise<void> {
    const { committer, ids } = this.#ctx
    if (task.timer !== undefined) await committer.commit({ id: ids.unit(), timers: [{ settle: task.timer.key, as: 'completed' }] }, role)
    await task.delivery?.ack()
  }

  /** Tells of a failure, and says how long to wait after it. */
  #failed(failures: number, error: unknown, logger: Logger, isDone: boolean): number {
    const { clock, random, instrumentation } = this.#ctx
    instrumentation.count('workflow_process_error_count', 1, this.#process.labels)
    const retryInMs = this.#process.options.backOffMs(failures, error, clock.now(), random)
    logger.warn(
      { error, retryInMs },
      isDone
        ? `${this.#options.subject} is done with, but that could not be written down; writing it again`
        : `${this.#options.subject} failed; trying again`,
    )
    return retryInMs
  }

  /** Leaves the task to a timer. False if that cannot be. */
  async #putOff(task: T, role: AbortSignal, failures: number, delayMs: number, logger: Logger): Promise<boolean> {
    const { clock, committer, ids } = this.#ctx
    const at = new Date(clock.now() + delayMs)
    try {
      const op: TimerOp =
        task.timer !== undefined
          ? { move: task.timer.key, at, attempt: failures }
          : { put: await this.#options.retryTimer(task, at, failures) }
      await committer.commit({ id: ids.unit(), timers: [op] }, role)
      this.#ctx.timersChanged([op])
      return true
    } catch (error) {
      if (this.#isOurs(task, role))
        logger.error({ error }, `the retry of ${this.#options.subject} could not be left to a timer; waiting for it in place`)
      return false
    }
  }

  /** Waits in the lane. Ends early when the role goes, and at the stop. */
  async #park(task: T, role: AbortSignal, lane: Lane<T>, ms: number): Promise<void> {
    const { clock, stopping } = this.#ctx
    const until = clock.monotonic() + ms
    this.lanes.parked += 1
    try {
      for (let leftMs = ms; leftMs > 0 && this.#isOurs(task, role); leftMs = until - clock.monotonic())
        await lane.wake.wait(clock, leftMs, stopping)
    } finally {
      this.lanes.parked -= 1
    }
  }

  #logger(task: T, attempt: number, logger = this.#ctx.logger): Logger {
    return boundLogger(logger, {
      workflow: this.#ctx.contract.name,
      process: this.#process.name,
      ...this.#options.fields(task),
      ...this.#known.get(task),
      attempt,
    })
  }
}

function contextOf(execution: Execution, logger: Logger, traceparent: string | undefined): HandlerContext {
  const traceId = traceIdOf(traceparent)
  return {
    get signal(): AbortSignal {
      return execution.signal
    },
    logger: traceId === undefined ? logger : boundLogger(logger, { traceId }),
    traceparent,
  }
}

/** The role of a slot, while work for it may be started. */
export function roleOfSlot(ctx: WorkerContext, slot: number): AbortSignal | undefined {
  const held = ctx.slotKeeper.open(slot)
  return held !== undefined && held.lease.isValid() ? held.signal : undefined
}
