/** Every call of a handler while a kit runs: recorded for the test, and known while it is in hand. */
import type { AnyRun, HandlerFunction, HandlerInfo } from '@workflow/core'
import { asCall, type CallInHand } from '../virtual-wait.ts'
import { copied } from './copied.ts'
import { Failures } from './failures.ts'

/** One call of a handler. */
export interface Call<Obj = unknown, Payload = unknown> {
  /** E.g. `step created`, `timeout sent (reminder)`, `connector carrier`. */
  readonly handler: string
  /** The run; absent for connectors. */
  readonly runId?: string
  readonly foreignId?: string
  /** Virtual time of the call. */
  readonly at: Date
  /** From 1; absent for connectors and hooks. */
  readonly attempt?: number
  /** The run's object as the handler was given it. */
  readonly object: Obj
  /** The object as the handler left it, once it has ended. */
  readonly objectAfter?: Obj
  /** What came with the call: a callback's payload, a join's children, a connector's event. */
  readonly payload: Payload
  readonly mocked: boolean
  /** A status, or an outcome like `{ '~outcome': 'pause', reason }`, once it has been returned. */
  readonly returned?: unknown
  readonly error?: unknown
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** A call that has not ended. */
export interface OpenCall extends CallInHand {
  readonly info: HandlerInfo
  readonly call: Call
  /** Whether the engine has given it up: its deadline has passed, or the run is no longer ours. */
  readonly givenUp: () => boolean
}

/** Whether the last handler of a run was a mock all the way. */
export type LastCall = 'mocked' | 'real'

/** The calls of one kit. */
export class Calls {
  readonly open: Set<OpenCall> = new Set<OpenCall>()
  readonly failures: Failures = new Failures()
  readonly last: Map<string, LastCall> = new Map<string, LastCall>()
  readonly #now: () => number
  readonly #ended: (info: HandlerInfo, call: Call) => void
  readonly #byHandler = new Map<string, Call[]>()

  constructor(now: () => number, ended: (info: HandlerInfo, call: Call) => void) {
    this.#now = now
    this.#ended = ended
  }

  /** In the order in which they began. */
  of(handler: string): readonly Call[] {
    return this.#byHandler.get(handler) ?? []
  }

  /** The handler as the engine is to call it. */
  around(info: HandlerInfo, real: HandlerFunction, mock: HandlerFunction | undefined): HandlerFunction {
    if (info.kind === 'timer' || info.kind === 'customDelete')
      return (...given) => this.#track(this.#openCall(info, given, false), () => real(...given))
    // One mock stands for all callbacks or hooks of its place.
    if (mock !== undefined && info.place > 0) return async (run) => (info.kind === 'callback' ? (run as AnyRun).skip() : undefined)
    return (...given) => {
      let mocked = mock !== undefined
      const open = this.#openCall(info, given, mocked)
      const called = this.#byHandler.get(open.call.handler)
      if (open.call.runId !== undefined) this.failures.called(open.call.runId, open.call.handler)
      if (called === undefined) this.#byHandler.set(open.call.handler, [open.call])
      else called.push(open.call)
      const through = (): unknown => {
        mocked = false
        return real(...given)
      }
      return this.#track(
        open,
        () => (mock === undefined ? real(...given) : mock(...given.slice(0, arity(info)), through)),
        (outcome) => this.#record(open, outcome, mocked, given),
      )
    }
  }

  #openCall(info: HandlerInfo, given: readonly unknown[], mocked: boolean): OpenCall {
    const subject = given[0] as Partial<AnyRun> | undefined
    const ofRun = typeof subject?.runId === 'string' ? subject : undefined
    const call: Call = {
      handler: handlerName(info),
      ...(ofRun?.runId === undefined ? undefined : { runId: ofRun.runId }),
      ...(ofRun?.foreignId === undefined ? undefined : { foreignId: ofRun.foreignId }),
      at: new Date(this.#now()),
      ...(ofRun?.attempt === undefined ? undefined : { attempt: ofRun.attempt }),
      object: copied(ofRun?.object),
      payload: info.kind === 'connector' ? given[0] : info.kind === 'callback' || info.kind === 'join' ? given[1] : undefined,
      mocked,
    }
    const signalOf = (given.findLast(hasSignal) ?? {}) as { readonly signal?: AbortSignal }
    return { virtualWaits: 0, info, call, givenUp: () => signalOf.signal?.aborted === true }
  }

  #track(open: OpenCall, work: () => unknown, over: (outcome: Outcome) => void = () => undefined): unknown {
    this.open.add(open)
    const end = (outcome: Outcome): void => {
      this.open.delete(open)
      over(outcome)
    }
    try {
      const result = asCall(open, work)
      if (!(result instanceof Promise)) {
        end({ returned: result })
        return result
      }
      return result.then(
        (returned: unknown) => {
          end({ returned })
          return returned
        },
        (error: unknown) => {
          end({ error })
          throw error
        },
      )
    } catch (error) {
      end({ error })
      throw error
    }
  }

  #record(open: OpenCall, outcome: Outcome, mocked: boolean, given: readonly unknown[]): void {
    const call = open.call as Writable<Call>
    Object.assign(call, outcome)
    const { runId, handler } = call
    if (runId !== undefined) {
      // No copy: the engine has made it for this call, and nobody writes to it any more.
      call.objectAfter = (given[0] as Partial<AnyRun>).object
      this.last.set(runId, mocked ? 'mocked' : 'real')
      if ('error' in outcome) this.failures.threw(runId, handler, outcome.error)
      else this.failures.returned(runId, handler)
    }
    this.#ended(open.info, call)
  }
}

type Outcome = { readonly returned: unknown } | { readonly error: unknown }

/** How handlers are called in records, coverage and messages; those of one status and kind share a name. */
export function handlerName({ kind, status, name }: HandlerInfo): string {
  if (status === undefined) return name === undefined ? kind : `${kind} ${name}`
  return name === undefined || name === 'timeout' ? `${kind} ${status}` : `${kind} ${status} (${name})`
}

/** How many arguments a handler of this kind is given. */
function arity({ kind }: HandlerInfo): number {
  if (kind === 'connector') return 3
  return kind === 'step' || kind === 'timeout' ? 1 : 2
}

function hasSignal(given: unknown): boolean {
  return typeof given === 'object' && given !== null && 'signal' in given
}
