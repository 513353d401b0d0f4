/**
 * The builder at run time: an immutable `DefinitionModel` and the methods that make a larger one of it. Its types are
 * those of `Builder`; what the compiler has refused for TypeScript is refused here for everybody, at definition time.
 */
import type { AnyContract } from './any-contract.ts'
import { createClient } from './client.ts'
import { Configuration } from './errors.ts'
import { intercepted, type Interceptor } from './interception.ts'
import type { AnyHandler, DefinitionModel, ExitKind, HookKind, HookModel, TimeoutModel } from './model/definition.ts'
import { exitKinds } from './model/transition-graph.ts'
import { checkedName, collisionKey } from './name-check.ts'
import { quoted, suggestion } from './model/nearest.ts'
import { checkedFunction, shown } from './model/option-check.ts'
import { checkedFrom, checkedOptions } from './options.ts'
import { resolveClientInfrastructure, resolveInfrastructure } from './resolved-infrastructure.ts'
import { isSchema } from './schema.ts'
import { isTimerValue } from './timer-value.ts'
import type { Workflow, WorkflowClient } from './workflow-client.ts'
import { createWorkflow } from './workflow.ts'

export class DefinitionBuilder {
  readonly contract: AnyContract
  readonly #model: DefinitionModel

  /** Without a contract the new object is the contract itself. */
  constructor(model: DefinitionModel, contract?: AnyContract) {
    // The cast holds because only the class of contracts, which is one, leaves the argument out.
    this.contract = contract ?? (this as unknown as AnyContract)
    this.#model = Object.freeze(model)
  }

  /** The model of a builder or definition. Throws `Configuration` for anything else. */
  static modelOf(definition: unknown): DefinitionModel {
    if (typeof definition === 'object' && definition !== null && #model in definition) return definition.#model
    throw new Configuration(`a definition made with workflow(…).addStep(…) is needed here; got ${shown(definition)}`)
  }

  addStep(from: unknown, handler: unknown, options?: unknown): DefinitionBuilder {
    const status = this.#statusWith('step', from, 'addStep')
    if (this.#model.steps.has(status)) throw this.#error(`'${status}' already has a step: give it one handler`)
    const step = {
      handler: this.#handler(handler, `addStep('${status}')`),
      options: checkedOptions(options, this.#at(`addStep('${status}')`)),
    }
    return this.#with({ steps: new Map(this.#model.steps).set(status, step) })
  }

  addCallback(from: unknown, handler: unknown, options?: unknown): DefinitionBuilder {
    const status = this.#statusWith('callback', from, 'addCallback')
    const callback = {
      handler: this.#handler(handler, `addCallback('${status}')`),
      options: checkedOptions(options, this.#at(`addCallback('${status}')`)),
    }
    return this.#with({ callbacks: appended(this.#model.callbacks, status, callback) })
  }

  addTimeout(from: unknown, timer: unknown, handler: unknown, options?: unknown): DefinitionBuilder {
    const status = this.#statusWith('timeout', from, 'addTimeout')
    const call = `addTimeout('${status}')`
    if (!isTimerValue(timer) && typeof timer !== 'function') {
      throw this.#error(
        `${call}: its timer must be after('1h'), at(date), or a function that gives one of them or nothing; got ${shown(timer)}`,
      )
    }
    const timeout = {
      name: this.#timeoutName(status, options),
      // The cast holds as far as a run-time check can tell: it is a timer, or callable.
      timer: timer as TimeoutModel['timer'],
      handler: this.#handler(handler, call),
      options: checkedOptions(options, this.#at(call), ['name']),
    }
    return this.#with({ timeouts: appended(this.#model.timeouts, status, timeout) })
  }

  addJoin(from: unknown, handler: unknown, options?: unknown): DefinitionBuilder {
    const status = this.#statusWith('join', from, 'addJoin')
    if (this.#model.joins.has(status)) throw this.#error(`'${status}' already has a join: give it one handler`)
    const join = {
      handler: this.#handler(handler, `addJoin('${status}')`),
      options: checkedOptions(options, this.#at(`addJoin('${status}')`)),
    }
    return this.#with({ joins: new Map(this.#model.joins).set(status, join) })
  }

  addConnector(name: unknown, schema: unknown, handler: unknown, options?: unknown): DefinitionBuilder {
    const checked = checkedName(name, this.#at('the name of a connector'))
    assertDistinct(checked, this.#model.connectors.keys(), this.#at('connector'))
    const call = `addConnector('${checked}')`
    if (!isSchema(schema)) throw this.#error(`${call}: its event needs a Standard Schema or unchecked<T>(); got ${shown(schema)}`)
    const connector = {
      schema,
      handler: this.#handler(handler, call),
      options: checkedOptions(options, this.#at(call), ['from']),
      from: checkedFrom(options, this.#at(call)),
    }
    return this.#with({ connectors: new Map(this.#model.connectors).set(checked, connector) })
  }

  onPause(handler: unknown): DefinitionBuilder {
    return this.#hook('pause', 'onPause', handler)
  }
  onCancel(handler: unknown): DefinitionBuilder {
    return this.#hook('cancel', 'onCancel', handler)
  }
  onComplete(handler: unknown): DefinitionBuilder {
    return this.#hook('complete', 'onComplete', handler)
  }
  onDataDeleted(handler: unknown): DefinitionBuilder {
    return this.#hook('dataDeleted', 'onDataDeleted', handler)
  }

  customDelete(scrub: unknown): DefinitionBuilder {
    if (this.#model.customDelete !== undefined) throw this.#error('customDelete is there already: put both into one function')
    return this.#with({ customDelete: checkedFunction<NonNullable<DefinitionModel['customDelete']>>(scrub, this.#at('customDelete')) })
  }

  intercept(around: unknown): DefinitionBuilder {
    const where = this.#at('intercept')
    return this.#with(intercepted(this.#model, checkedFunction<Interceptor>(around, where), where))
  }

  transactional(): DefinitionBuilder {
    return this.#with({ transactional: true })
  }

  include(part: unknown): DefinitionBuilder {
    const other = DefinitionBuilder.modelOf(part)
    if (other.contract !== this.#model.contract) {
      throw this.#error(`include takes a part that was built on the same contract; this one was built on that of '${other.contract.name}'`)
    }
    const twice = overlaps(this.#model, other)
    if (twice.length > 0) throw this.#error(`two parts handle the same: ${twice.join(', ')}. Leave it out of one of them`)
    return this.#with(merged(this.#model, other))
  }

  build(infrastructure: unknown): Workflow<AnyContract> {
    const missing = unhandled(this.#model)
    if (missing.length > 0) {
      throw this.#error(
        `no handler for: ${missing.map(({ kind, status }) => `${kind} ${status}`).join(', ')}. Add ${missing
          .slice(0, 3)
          .map(({ kind, status }) => `.${adders[kind]}('${status}', …)`)
          .join(' and ')}`,
      )
    }
    return createWorkflow(this.#model, resolveInfrastructure(this.#model, infrastructure))
  }

  client(infrastructure: unknown): WorkflowClient<AnyContract> {
    return createClient(this.#model, resolveClientInfrastructure(this.#model.contract.name, infrastructure))
  }

  #with(change: Partial<DefinitionModel>): DefinitionBuilder {
    return new DefinitionBuilder({ ...this.#model, ...change }, this.contract)
  }

  #hook(kind: HookKind, call: string, handler: unknown): DefinitionBuilder {
    const hooks = [...this.#model.hooks[kind], { handler: this.#handler(handler, call) }]
    return this.#with({ hooks: { ...this.#model.hooks, [kind]: hooks } })
  }

  #handler(handler: unknown, call: string): AnyHandler {
    return checkedFunction<AnyHandler>(handler, this.#at(`the handler of ${call}`))
  }

  #statusWith(kind: ExitKind, from: unknown, call: string): string {
    const { graph } = this.#model.contract
    if (typeof from === 'string' && graph.get(from)?.[kind] !== undefined) return from
    const possible = [...graph].filter(([, exits]) => exits[kind] !== undefined).map(([status]) => status)
    const known = typeof from === 'string' && graph.has(from)
    if (!known) throw this.#error(`${call}(${shown(from)}): there is no such status. ${suggestion(String(from), possible)}`)
    throw this.#error(
      `${call}('${from}'): no ${kind} leaves '${from}'. ${possible.length === 0 ? `No status has a ${kind}` : `These have one: ${quoted(possible)}`}`,
    )
  }

  #timeoutName(status: string, options: unknown): string {
    const given = typeof options === 'object' && options !== null ? (options as { readonly name?: unknown }).name : undefined
    const name = given === undefined ? 'timeout' : checkedName(given, this.#at(`the name of a timeout of '${status}'`))
    const names = (this.#model.timeouts.get(status) ?? []).map((timeout) => timeout.name)
    assertDistinct(name, names, this.#at(`'${status}': give each of its timeouts a { name } of its own; timeout`))
    return name
  }

  #at(what: string): string {
    return `workflow '${this.#model.contract.name}': ${what}`
  }

  #error(what: string): Configuration {
    return new Configuration(this.#at(what))
  }
}

const adders: { readonly [Kind in ExitKind]: string } = { step: 'addStep', callback: 'addCallback', timeout: 'addTimeout', join: 'addJoin' }

/** What the graph asks for and nothing handles. */
function unhandled(model: DefinitionModel): { readonly kind: ExitKind; readonly status: string }[] {
  const handled = handlersByKind(model)
  return [...model.contract.graph].flatMap(([status, exits]) =>
    exitKinds.filter((kind) => exits[kind] !== undefined && !handled[kind].has(status)).map((kind) => ({ kind, status })),
  )
}

function handlersByKind(model: DefinitionModel): { readonly [Kind in ExitKind]: ReadonlyMap<string, unknown> } {
  return { step: model.steps, callback: model.callbacks, timeout: model.timeouts, join: model.joins }
}

/** What two parts both handle. Callbacks and timeouts count, too: the order of two parts' handlers would be chance. */
function overlaps(left: DefinitionModel, right: DefinitionModel): string[] {
  const [mine, theirs] = [handlersByKind(left), handlersByKind(right)]
  const handlers = exitKinds.flatMap((kind) =>
    [...theirs[kind].keys()].filter((status) => mine[kind].has(status)).map((status) => `${kind} ${status}`),
  )
  const keys = new Map([...left.connectors.keys()].map((name) => [collisionKey(name), name]))
  const connectors = [...right.connectors.keys()].filter((name) => keys.has(collisionKey(name))).map((name) => `connector ${name}`)
  return [...handlers, ...connectors, ...(left.customDelete !== undefined && right.customDelete !== undefined ? ['customDelete'] : [])]
}

function merged(left: DefinitionModel, right: DefinitionModel): Partial<DefinitionModel> {
  const hooks = (kind: HookKind): readonly HookModel[] => [...left.hooks[kind], ...right.hooks[kind]]
  const customDelete = left.customDelete ?? right.customDelete
  return {
    steps: new Map([...left.steps, ...right.steps]),
    callbacks: new Map([...left.callbacks, ...right.callbacks]),
    timeouts: new Map([...left.timeouts, ...right.timeouts]),
    joins: new Map([...left.joins, ...right.joins]),
    connectors: new Map([...left.connectors, ...right.connectors]),
    hooks: { pause: hooks('pause'), cancel: hooks('cancel'), complete: hooks('complete'), dataDeleted: hooks('dataDeleted') },
    transactional: left.transactional || right.transactional,
    ...(customDelete === undefined ? {} : { customDelete }),
  }
}

function appended<T>(map: ReadonlyMap<string, readonly T[]>, key: string, value: T): ReadonlyMap<string, readonly T[]> {
  return new Map(map).set(key, [...(map.get(key) ?? []), value])
}

function assertDistinct(name: string, taken: Iterable<string>, what: string): void {
  for (const other of taken) {
    if (other === name) throw new Configuration(`${what} '${name}' is already there`)
    if (collisionKey(other) === collisionKey(name))
      throw new Configuration(`${what} '${name}' collides with '${other}': they differ only in case or look alike`)
  }
}
