/** Mocks: what is called instead of a definition's own handlers, and the check that every one of them replaces something. */
import {
  type AnyContract,
  type CallbackHandler,
  Configuration,
  type ConnectorEvent,
  type DeletedRun,
  type Destination,
  type HandlerContext,
  type HandlerFunction,
  type HandlerInfo,
  type JoinHandler,
  type RunSnapshot,
  type StatusOf,
  type StatusWith,
  type ObjectOf,
  type StepHandler,
  type TimeoutHandler,
  type WorkflowClient,
} from '@workflow/core'

/** Instead of a handler: a status to go to, or a function that is given the same and, last, a way to call the real one. */
export type StepMock<C extends AnyContract, S extends StatusWith<C, 'step'>, Tx = unknown> =
  | Destination<C, S, 'step'>
  | ((run: Parameters<StepHandler<C, S, Tx>>[0], real: () => ReturnType<StepHandler<C, S, Tx>>) => ReturnType<StepHandler<C, S, Tx>>)

/** Like `StepMock`. Where a status has several callback handlers, it stands for all of them, and `real` calls the first. */
export type CallbackMock<C extends AnyContract, S extends StatusWith<C, 'callback'>, Tx = unknown> =
  | Destination<C, S, 'callback'>
  | ((
      run: Parameters<CallbackHandler<C, S, Tx>>[0],
      payload: Parameters<CallbackHandler<C, S, Tx>>[1],
      real: () => ReturnType<CallbackHandler<C, S, Tx>>,
    ) => ReturnType<CallbackHandler<C, S, Tx>>)

/** Like `StepMock`, for what is done when the timer has expired. When it expires stays as it is. */
export type TimeoutMock<C extends AnyContract, S extends StatusWith<C, 'timeout'>, Tx = unknown> =
  | Destination<C, S, 'timeout'>
  | ((
      run: Parameters<TimeoutHandler<C, S, Tx>>[0],
      real: () => ReturnType<TimeoutHandler<C, S, Tx>>,
    ) => ReturnType<TimeoutHandler<C, S, Tx>>)

/** Like `StepMock`, with the finished children. */
export type JoinMock<C extends AnyContract, S extends StatusWith<C, 'join'>, Tx = unknown> =
  | Destination<C, S, 'join'>
  | ((
      run: Parameters<JoinHandler<C, S, Tx>>[0],
      children: Parameters<JoinHandler<C, S, Tx>>[1],
      real: () => ReturnType<JoinHandler<C, S, Tx>>,
    ) => ReturnType<JoinHandler<C, S, Tx>>)

/** Instead of a connector's handler. */
export type ConnectorMock<C extends AnyContract> = (
  event: ConnectorEvent<unknown>,
  api: WorkflowClient<C>,
  context: HandlerContext,
  real: () => Promise<void>,
) => Promise<void>

/** Instead of a hook. */
export type HookMock<C extends AnyContract, Name extends HookName = HookName> = (
  run: Name extends 'dataDeleted' ? DeletedRun<StatusOf<C>> : RunSnapshot<ObjectOf<C>, StatusOf<C>>,
  context: HandlerContext,
  real: () => Promise<void>,
) => Promise<void>

/** What a run has done that hooks hear of. */
export type HookName = 'pause' | 'cancel' | 'complete' | 'dataDeleted'

/** An object by `Key`; where there is no key, one that no property fits: an empty type would take any. */
type By<Key extends string, None extends string, Values> = [Key] extends [never] ? { readonly [name: string]: None } : Values

/** What stands in for handlers of a definition. What is not named runs for real. */
export interface Mocks<C extends AnyContract, Tx = unknown, Sources extends string = never> {
  readonly steps?: By<StatusWith<C, 'step'>, 'no status has a step', { readonly [S in StatusWith<C, 'step'>]?: StepMock<C, S, Tx> }>
  readonly callbacks?: By<
    StatusWith<C, 'callback'>,
    'no status has a callback',
    { readonly [S in StatusWith<C, 'callback'>]?: CallbackMock<C, S, Tx> }
  >
  /** A status with several timeouts takes an object by their names. */
  readonly timeouts?: By<
    StatusWith<C, 'timeout'>,
    'no status has a timeout',
    { readonly [S in StatusWith<C, 'timeout'>]?: TimeoutMock<C, S, Tx> | { readonly [name: string]: TimeoutMock<C, S, Tx> } }
  >
  readonly joins?: By<StatusWith<C, 'join'>, 'no status has a join', { readonly [S in StatusWith<C, 'join'>]?: JoinMock<C, S, Tx> }>
  /** What is done with an event. The stream itself is always the kit's: `kit.publish(name, …)`. */
  readonly connectors?: By<Sources, 'the definition has no connector', { readonly [N in Sources]?: ConnectorMock<C> }>
  /** Stands for all hooks of a kind; `real` calls the first. */
  readonly hooks?: { readonly [K in HookName]?: HookMock<C, K> }
}

const groups = { steps: 'step', callbacks: 'callback', timeouts: 'timeout', joins: 'join', connectors: 'connector', hooks: 'hook' } as const
type Group = keyof typeof groups

interface Entry {
  readonly kind: HandlerInfo['kind']
  /** The status, or the name of a connector or hook. */
  readonly key: string
  /** Of one timeout among several. */
  readonly name?: string
  readonly mock: HandlerFunction
}

/** The mocks that a test has given, by what they replace. */
export class MockTable {
  readonly #workflow: string
  readonly #entries: readonly Entry[]
  readonly #known: HandlerInfo[] = []

  /** Throws `Configuration` for what is no mock. Whether each replaces something is known after `assertAllUsed`. */
  constructor(workflow: string, mocks: unknown) {
    this.#workflow = workflow
    if (typeof mocks !== 'object' || mocks === null)
      throw this.#error(`mocks are an object like { steps: { created: 'paid' } }; got ${mocks === null ? 'null' : typeof mocks}`)
    this.#entries = Object.entries(mocks).flatMap(([group, entries]: [string, unknown]) => {
      if (!Object.hasOwn(groups, group)) throw this.#error(`mocks have no '${group}': there are ${Object.keys(groups).join(', ')}`)
      return entries === undefined ? [] : this.#entriesOf(groups[group as Group], entries)
    })
  }

  /** What replaces a handler, which from now on counts as there. */
  take(info: HandlerInfo): HandlerFunction | undefined {
    this.#known.push(info)
    const key = keyOf(info)
    return this.#entries.find(
      (entry) => entry.kind === info.kind && entry.key === key && (entry.name === undefined || entry.name === info.name),
    )?.mock
  }

  /** Throws `Configuration` that names the first mock which replaces nothing, and what there is instead. */
  assertAllUsed(): void {
    for (const { kind, key, name } of this.#entries) {
      const alike = this.#known.filter((info) => info.kind === kind)
      const there = alike.filter((info) => keyOf(info) === key)
      if (there.length === 0)
        throw this.#error(
          `there is no ${kind} '${key}' to mock. ${listed([...new Set(alike.map(keyOf))], `The definition has none of that kind`)}`,
        )
      if (kind !== 'timeout') continue
      const names = there.map((info) => info.name ?? '')
      if (name === undefined && names.length > 1)
        throw this.#error(
          `'${key}' has ${names.length} timeouts: mock them by name, like { ${key}: { ${names[0]}: … } }. ${listed(names, '')}`,
        )
      if (name !== undefined && !names.includes(name)) throw this.#error(`'${key}' has no timeout '${name}' to mock. ${listed(names, '')}`)
    }
  }

  #entriesOf(kind: Entry['kind'], entries: unknown): readonly Entry[] {
    if (typeof entries !== 'object' || entries === null)
      throw this.#error(`the mocks of each ${kind} are an object; got ${String(entries)}`)
    return Object.entries(entries).flatMap(([key, mock]: [string, unknown]): readonly Entry[] => {
      if (mock === undefined) return []
      if (kind === 'timeout' && typeof mock === 'object' && mock !== null)
        return Object.entries(mock).map(([name, one]: [string, unknown]) => ({
          kind,
          key,
          name,
          mock: this.#function(`${key}.${name}`, kind, one),
        }))
      return [{ kind, key, mock: this.#function(key, kind, mock) }]
    })
  }

  #function(key: string, kind: Entry['kind'], mock: unknown): HandlerFunction {
    // The cast holds as far as a run-time check can tell: what a mock takes and gives is the compiler's business.
    if (typeof mock === 'function') return mock as HandlerFunction
    if (typeof mock === 'string' && kind !== 'connector' && kind !== 'hook') return async () => mock
    throw this.#error(
      `the mock of ${kind} '${key}' must be a function${kind === 'connector' || kind === 'hook' ? '' : ', or a status to go to'}; got ${typeof mock}`,
    )
  }

  #error(what: string): Configuration {
    return new Configuration(`the test kit of workflow '${this.#workflow}': ${what}`)
  }
}

function keyOf(info: HandlerInfo): string {
  return info.status ?? info.name ?? ''
}

function listed(names: readonly string[], none: string): string {
  return names.length === 0 ? none : `There ${names.length === 1 ? 'is' : 'are'}: ${names.map((name) => `'${name}'`).join(', ')}`
}
