import { Configuration } from '../errors.ts'
import type { ContractModel } from '../model/definition.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { Logger } from '../ports/logger.ts'
import type { EngineContext } from './engine-context.ts'
import type { Execution } from './execution.ts'
import { traceIdOf } from './span-start.ts'

/** A value that a handler makes and returns instead of a status. */
export interface OutcomeValue {
  readonly '~outcome': 'skip' | 'pause' | 'cancel' | 'saveAndRepeat'
  readonly reason?: string
}

/** A status together with what to write in its transaction. */
export interface CommitValue {
  readonly '~commit': string
  readonly write: (tx: unknown) => Promise<void>
}

/** A child that a handler wants to start with its transition. */
export interface ChildStart {
  readonly contract: ContractModel
  readonly foreignId: string
  readonly options: { readonly initialValue: unknown; readonly startAt?: string; readonly metadata?: Readonly<Record<string, string>> }
}

const skip: OutcomeValue = Object.freeze({ '~outcome': 'skip' })
const saveAndRepeat: OutcomeValue = Object.freeze({ '~outcome': 'saveAndRepeat' })

/** The run in a handler's hands. It writes nothing: the engine reads it once the handler has returned. */
export class HandlerRun {
  readonly workflowName: string
  readonly runId: string
  readonly foreignId: string
  readonly status: string
  readonly version: number
  readonly attempt: number
  readonly createdAt: Date
  readonly enteredAt: Date
  readonly metadata: Readonly<Record<string, string>>
  /** The run's, and that of the span around the handler where there is one. */
  traceparent: string | undefined
  object: unknown
  readonly #ctx: EngineContext
  readonly #record: RunRecord
  readonly #execution: Execution
  readonly #processName: string
  #made: OutcomeValue | CommitValue | undefined
  #children: ChildStart[] | undefined

  constructor(ctx: EngineContext, record: RunRecord, object: unknown, attempt: number, processName: string, execution: Execution) {
    this.workflowName = record.workflowName
    this.runId = record.runId
    this.foreignId = record.foreignId
    this.status = record.status
    this.version = record.version
    this.attempt = attempt
    this.createdAt = record.createdAt
    this.enteredAt = record.entered.at
    this.metadata = record.metadata
    this.traceparent = record.traceparent
    this.object = object
    this.#ctx = ctx
    this.#record = record
    this.#execution = execution
    this.#processName = processName
  }

  get idempotencyKey(): string {
    return `${this.runId}/${this.#record.entered.version}/${this.#record.repeat}`
  }

  get signal(): AbortSignal {
    return this.#execution.signal
  }

  get logger(): Logger {
    return boundLogger(this.#ctx.handlerLogger, {
      workflow: this.workflowName,
      process: this.#processName,
      runId: this.runId,
      foreignId: this.foreignId,
      version: this.version,
      attempt: this.attempt,
      ...(this.traceparent === undefined ? undefined : { traceId: traceIdOf(this.traceparent) }),
    })
  }

  /** Between two steps of one attempt: throws if it was given up meanwhile, so that no handler begins for nothing. */
  throwIfOver(): void {
    if (this.#execution.over) this.#execution.signal.throwIfAborted()
  }

  skip(): OutcomeValue {
    return this.#make(skip)
  }

  pause(reason: string): OutcomeValue {
    return this.#make({ '~outcome': 'pause', reason: String(reason) })
  }

  cancel(reason: string): OutcomeValue {
    return this.#make({ '~outcome': 'cancel', reason: String(reason) })
  }

  saveAndRepeat(): OutcomeValue {
    return this.#make(saveAndRepeat)
  }

  commit(to: string, write: (tx: unknown) => Promise<void>): CommitValue {
    return this.#make({ '~commit': to, write })
  }

  startChild(child: { readonly name: string }, foreignId: string, options: ChildStart['options']): void {
    for (const contract of this.#ctx.contract.children.values()) {
      if (contract.name !== child.name) continue
      this.#children ??= []
      this.#children.push({ contract, foreignId, options })
      return
    }
    throw new Configuration(
      `workflow '${this.workflowName}' has no join for children of '${child.name}': add it to the contract's \`children\``,
    )
  }

  /** What was made last, whether it has been returned or not. */
  get made(): OutcomeValue | CommitValue | undefined {
    return this.#made
  }

  /** Several handlers share the run of one callback: each is judged by what it makes itself. */
  forgetMade(): void {
    this.#made = undefined
  }

  get children(): readonly ChildStart[] {
    return this.#children ?? []
  }

  #make<T extends OutcomeValue | CommitValue>(value: T): T {
    this.#made = value
    return value
  }
}

/** A logger whose every line carries `fields`. */
export function boundLogger(logger: Logger, fields: object): Logger {
  return {
    debug: (more, message) => logger.debug({ ...fields, ...more }, message),
    info: (more, message) => logger.info({ ...fields, ...more }, message),
    warn: (more, message) => logger.warn({ ...fields, ...more }, message),
    error: (more, message) => logger.error({ ...fields, ...more }, message),
  }
}
