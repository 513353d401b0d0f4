/** One handler alone, without an engine: a run that is made by hand, and what the engine would make of the handler's answer. */
import {
  type AnyContract,
  Configuration,
  InvalidOutcome,
  type InputOf,
  type Logger,
  type Metadata,
  NotSerializable,
  type ObjectOf,
  type Outcome,
  type StatusOf,
  type TransactionalRun,
  type Transition,
  type TriggerOptions,
  ValidationError,
} from '@workflow/core'
import { jsonCodec } from '@workflow/core/adapter'
import { recordedLogger } from './recorded-logger.ts'
import type { LogLine } from './test-kit.ts'

/** What the run is like; everything but the object has a default. */
export interface TestingRunOptions<In, Tx = unknown> {
  /** Checked by the contract's schema, as when a run is triggered. */
  readonly object: In
  /** @default 'test' */
  readonly foreignId?: string
  /** @default '00000000-0000-7000-8000-000000000001' */
  readonly runId?: string
  /** @default 1 */
  readonly attempt?: number
  /** @default 1 */
  readonly version?: number
  readonly metadata?: Metadata
  readonly traceparent?: string
  /** @default 2026-01-01, 00:00 UTC */
  readonly createdAt?: Date
  /** @default `createdAt` */
  readonly enteredAt?: Date
  /** What `run.commit` hands to its function when `outcomeOf` is asked. @default none */
  readonly transaction?: Tx
}

/** A child that the handler has started. */
export interface StartedChild {
  readonly workflow: string
  readonly foreignId: string
  readonly options: TriggerOptions<unknown>
}

/** What the engine would do with a handler's answer. */
export type HandlerOutcome<To extends string = string> =
  | { readonly kind: 'move'; readonly to: To }
  | { readonly kind: 'skip' }
  | { readonly kind: 'saveAndRepeat' }
  | { readonly kind: 'pause'; readonly reason: string }
  | { readonly kind: 'cancel'; readonly reason: string }

/** A run for one handler. What the handler does to it can be looked at. */
export interface TestingRun<C extends AnyContract, S extends StatusOf<C>, Tx = unknown> extends TransactionalRun<ObjectOf<C>, S, Tx> {
  /** The children that the handler has started, in order. */
  readonly children: readonly StartedChild[]
  readonly logs: readonly LogLine[]
  /** Aborts the handler's signal, as a deadline or a stop does. */
  abort(reason?: unknown): void
  /**
   * What the engine would do with a handler's answer: `await run.outcomeOf(charge(run))`. Rejects as the engine would: with
   * the handler's error, with `InvalidOutcome` for an outcome that was made and not returned or a status that the graph does
   * not lead to, with `NotSerializable` for an object that cannot be stored. Runs what was given to `run.commit`.
   */
  outcomeOf(answer: Promise<unknown>): Promise<HandlerOutcome<StatusOf<C>>>
}

/**
 * A run at a status, for calling a handler without an engine. Throws `Configuration` for a status that the contract does
 * not have, `NotSerializable` for an object that cannot be copied, and `ValidationError` for an object that does not fit its schema, which must be one that answers at once.
 */
export function testingRun<C extends AnyContract, const S extends StatusOf<C>, Tx = unknown>(
  contract: C,
  status: S,
  options: TestingRunOptions<InputOf<C>, Tx>,
): TestingRun<C, S, Tx> {
  if (typeof (contract as Partial<AnyContract> | undefined)?.graph !== 'function')
    throw new Configuration('testingRun needs a contract made by workflow(…), or the `contract` of a definition; got something else')
  if (typeof options !== 'object' || options === null || !('object' in options))
    throw new Configuration(`testingRun of workflow '${contract.name}' needs { object }: what the run carries`)
  // The cast holds because a hand-made run has every member, and its types are those of the arguments.
  return new HandMadeRun(contract, status, options) as unknown as TestingRun<C, S, Tx>
}

interface Made {
  readonly outcome: Outcome | { readonly '~commit': string }
  readonly write?: (tx: unknown) => Promise<void>
}

const runIdDefault = '00000000-0000-7000-8000-000000000001'

class HandMadeRun {
  readonly workflowName: string
  readonly runId: string
  readonly foreignId: string
  readonly status: string
  readonly version: number
  readonly attempt: number
  readonly createdAt: Date
  readonly enteredAt: Date
  readonly metadata: Metadata
  readonly traceparent: string | undefined
  readonly logs: LogLine[] = []
  readonly logger: Logger = recordedLogger(this.logs)
  readonly children: StartedChild[] = []
  object: unknown
  readonly #transitions: readonly Transition[]
  readonly #controller = new AbortController()
  readonly #transaction: unknown
  #made: Made | undefined

  constructor(contract: AnyContract, status: string, options: TestingRunOptions<unknown>) {
    const graph = contract.graph()
    const statuses = graph.nodes.map((node) => node.status)
    if (!statuses.includes(status))
      throw new Configuration(
        `testingRun of workflow '${graph.name}': there is no status '${String(status)}'. There are: ${statuses.map((each) => `'${each}'`).join(', ')}`,
      )
    this.workflowName = graph.name
    this.#transitions = graph.transitions.filter(({ from }) => from === status)
    this.status = status
    this.runId = options.runId ?? runIdDefault
    this.foreignId = options.foreignId ?? 'test'
    this.version = options.version ?? 1
    this.attempt = options.attempt ?? 1
    this.createdAt = options.createdAt ?? new Date(Date.UTC(2026, 0, 1))
    this.enteredAt = options.enteredAt ?? this.createdAt
    this.metadata = Object.freeze({ ...options.metadata })
    this.traceparent = options.traceparent
    this.#transaction = options.transaction
    this.object = validated(contract, cloned(contract, options.object))
  }

  get idempotencyKey(): string {
    return `${this.runId}/${this.version}/0`
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  skip(): Outcome {
    return this.#make({ '~outcome': 'skip' })
  }

  pause(reason: string): Outcome {
    return this.#make({ '~outcome': 'pause', reason })
  }

  cancel(reason: string): Outcome {
    return this.#make({ '~outcome': 'cancel', reason })
  }

  saveAndRepeat(): Outcome {
    return this.#make({ '~outcome': 'saveAndRepeat' })
  }

  commit(to: string, write: (tx: unknown) => Promise<void>): { readonly '~commit': string } {
    return this.#make({ '~commit': to }, write)
  }

  startChild(child: AnyContract, foreignId: string, options: TriggerOptions<unknown>): void {
    this.children.push({ workflow: child.name, foreignId, options })
  }

  abort(reason?: unknown): void {
    this.#controller.abort(reason)
  }

  async outcomeOf(answer: Promise<unknown>): Promise<HandlerOutcome> {
    const returned = await answer
    const made = this.#made
    // The run may be given to another handler afterwards.
    this.#made = undefined
    const outcome = this.#outcome(returned, made?.outcome)
    // What cannot be stored fails the attempt, and the codec says why.
    await jsonCodec.encode(this.object, 1, {
      workflowName: this.workflowName,
      foreignId: this.foreignId,
      runId: this.runId,
      kind: 'object',
    })
    await made?.write?.(this.#transaction)
    return outcome
  }

  #outcome(returned: unknown, made: Made['outcome'] | undefined): HandlerOutcome {
    if (made !== undefined && made !== returned)
      throw this.#invalid(
        `made an outcome by run.${'~commit' in made ? 'commit' : made['~outcome']}() and returned something else: return it`,
      )
    if (typeof returned === 'string') return this.#moveTo(returned)
    if (made === undefined) throw this.#invalid(`returned ${shown(returned)}, which is neither a status nor an outcome of this run`)
    if ('~commit' in made) return this.#moveTo(made['~commit'])
    const kind = made['~outcome']
    return kind === 'pause' || kind === 'cancel' ? { kind, reason: made.reason ?? '' } : { kind }
  }

  #moveTo(to: string): HandlerOutcome {
    if (this.#transitions.some((transition) => transition.to === to)) return { kind: 'move', to }
    throw this.#invalid(
      `returned '${to}', and the graph leads from there only to ${[...new Set(this.#transitions.map((transition) => `'${transition.to}'`))].join(', ') || 'nothing'}`,
    )
  }

  #make<T extends Made['outcome']>(outcome: T, write?: Made['write']): T {
    this.#made = { outcome, ...(write === undefined ? undefined : { write }) }
    return outcome
  }

  #invalid(what: string): InvalidOutcome {
    return new InvalidOutcome(`the handler at '${this.status}' of workflow '${this.workflowName}' ${what}`)
  }
}

/** A copy, so that a handler writes to none of the test's own objects. */
function cloned(contract: AnyContract, object: unknown): unknown {
  try {
    return structuredClone(object)
  } catch (cause) {
    throw new NotSerializable(
      `the object of testingRun of workflow '${contract.name}' could never be stored: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}

/** What the contract's schema makes of an object. */
function validated(contract: AnyContract, object: unknown): unknown {
  // The cast holds because every contract is made by `workflow(…)`, which has asked for a schema.
  const { object: schema } = contract as unknown as {
    readonly object: { readonly '~standard': { readonly validate: (value: unknown) => SchemaResult | Promise<SchemaResult> } }
  }
  const result = schema['~standard'].validate(object)
  if (result instanceof Promise)
    throw new ValidationError(
      `testingRun of workflow '${contract.name}': its schema answers with a promise, which only an engine awaits: use testKit`,
    )
  if (result.issues === undefined) return result.value
  throw new ValidationError(
    `the object of testingRun of workflow '${contract.name}' does not fit its schema: ${result.issues.map(({ message }) => message).join('; ')}`,
    { details: { issues: result.issues } },
  )
}

type SchemaResult = { readonly value: unknown; readonly issues?: undefined } | { readonly issues: readonly { readonly message: string }[] }

function shown(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
