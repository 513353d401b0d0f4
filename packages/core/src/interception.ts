/** Puts a function of the user's around every function of a definition. */
import type { AnyHandler, DefinitionModel, ExitKind, HookKind } from './model/definition.ts'
import { checkedFunction } from './model/option-check.ts'

/** Which function of a definition it is. */
export interface HandlerInfo {
  readonly workflowName: string
  /** `timer` computes when a timeout expires, `customDelete` scrubs an object; a `hook` is named by what it follows. */
  readonly kind: ExitKind | 'connector' | 'hook' | 'timer' | 'customDelete'
  /** Where the run is; absent for what belongs to no status. */
  readonly status?: string
  /** Of a timeout and its timer, a connector, or a hook (`pause`, `cancel`, `complete`, `dataDeleted`). */
  readonly name?: string
  /** Its place among those of the same kind, status and name, from 0: callbacks and hooks may be several. */
  readonly place: number
}

/** A handler, whatever it takes and gives. */
export type HandlerFunction = (...given: readonly unknown[]) => unknown

/**
 * Called once per function of a definition, when the definition is made; what it returns is called instead. It hands on
 * what it is given (first the run, snapshot, event or object) and what comes back, or replaces either.
 */
export type Interceptor = (info: HandlerInfo, handler: HandlerFunction) => HandlerFunction

/** The parts of a model that hold functions, each behind the interceptor. */
export function intercepted(model: DefinitionModel, around: Interceptor, where: string): Partial<DefinitionModel> {
  const workflowName = model.contract.name
  const wrap = <F extends (...given: never[]) => unknown>(handler: F, info: Omit<HandlerInfo, 'workflowName' | 'place'>, place = 0): F =>
    // The casts hold as far as a run-time check can tell: who is put around a handler takes and gives what it does.
    checkedFunction<F>(
      around(Object.freeze({ workflowName, ...info, place }), handler as unknown as HandlerFunction),
      `${where}: what it returns for each handler`,
    )
  const one = <M extends { readonly handler: AnyHandler }>(map: ReadonlyMap<string, M>, kind: 'step' | 'join' | 'connector') =>
    new Map(
      Array.from(map, ([key, entry]) => [
        key,
        { ...entry, handler: wrap(entry.handler, kind === 'connector' ? { kind, name: key } : { kind, status: key }) },
      ]),
    )
  const hooks = (name: HookKind) =>
    model.hooks[name].map((hook, place) => ({ ...hook, handler: wrap(hook.handler, { kind: 'hook', name }, place) }))
  return {
    steps: one(model.steps, 'step'),
    joins: one(model.joins, 'join'),
    connectors: one(model.connectors, 'connector'),
    callbacks: new Map(
      Array.from(model.callbacks, ([status, several]) => [
        status,
        several.map((each, place) => ({ ...each, handler: wrap(each.handler, { kind: 'callback', status }, place) })),
      ]),
    ),
    timeouts: new Map(
      Array.from(model.timeouts, ([status, several]) => [
        status,
        several.map(({ timer, handler, ...each }) => ({
          ...each,
          timer: typeof timer === 'function' ? wrap(timer, { kind: 'timer', status, name: each.name }) : timer,
          handler: wrap(handler, { kind: 'timeout', status, name: each.name }),
        })),
      ]),
    ),
    hooks: { pause: hooks('pause'), cancel: hooks('cancel'), complete: hooks('complete'), dataDeleted: hooks('dataDeleted') },
    ...(model.customDelete === undefined ? {} : { customDelete: wrap(model.customDelete, { kind: 'customDelete' }) }),
  }
}
