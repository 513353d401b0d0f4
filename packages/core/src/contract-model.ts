/** Checks a contract when it is made and turns it into its model. Nothing here runs again afterwards. */
import { createHash } from 'node:crypto'
import { contractModelOf } from './any-contract.ts'
import { Configuration } from './errors.ts'
import type { ContractModel, ExitKind, ExitsModel } from './model/definition.ts'
import { exitKinds, startsOf, transitionsOf, unreachableOf } from './model/transition-graph.ts'
import { checkedName, collisionKey } from './name-check.ts'
import { quoted, suggestion } from './model/nearest.ts'
import { checkedFunction, checkedInteger, checkedObject, shown } from './model/option-check.ts'
import { isSchema, isUnchecked, type Schema } from './schema.ts'

const specKeys: readonly string[] = ['object', 'graph', 'payloads', 'children', 'schemaVersion', 'upcast']

/** The frozen model of `workflow(name, spec)`. Throws `Configuration` that names the workflow, the status and the fix. */
export function contractModelFrom(name: unknown, spec: unknown): ContractModel {
  const checked = checkedName(name, 'the name of a workflow')
  const where = `workflow '${checked}'`
  const options = checkedObject(spec, specKeys, where)
  const graph = checkedGraph(options['graph'], where)
  const startDefault = startsOf(graph)[0]
  if (startDefault === undefined) {
    throw new Configuration(
      `${where} has no possible start: every status is terminal. Give at least one an exit, like { step: ['${[...graph.keys()].at(-1)}'] }`,
    )
  }
  assertReachable(graph, where)
  const object = options['object']
  if (!isSchema(object))
    throw new Configuration(`${where}: object must be a Standard Schema (zod, valibot, arktype, …) or unchecked<T>(); got ${shown(object)}`)
  const upcast = options['upcast']
  return Object.freeze({
    name: checked,
    graph,
    startDefault,
    fingerprint: fingerprintOf(graph),
    object,
    objectUnchecked: isUnchecked(object),
    schemaVersion:
      options['schemaVersion'] === undefined ? 1 : checkedInteger(options['schemaVersion'], `${where}: schemaVersion`, 1, 2 ** 31 - 1),
    ...(upcast === undefined ? {} : { upcast: checkedFunction<NonNullable<ContractModel['upcast']>>(upcast, `${where}: upcast`) }),
    payloads: payloadsOf(options['payloads'], graph, where),
    children: childrenOf(options['children'], graph, where),
  })
}

function checkedGraph(value: unknown, where: string): ContractModel['graph'] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Configuration(
      `${where}: graph must be an object from status to exits, like { created: { step: ['done'] }, done: {} }; got ${shown(value)}`,
    )
  }
  const statuses = Object.keys(value)
  if (statuses.length === 0)
    throw new Configuration(
      `${where} has no status: declare at least one that leads somewhere, like { created: { step: ['done'] }, done: {} }`,
    )
  assertStatusNames(statuses, where)
  return new Map(Object.entries(value).map(([status, exits]) => [status, checkedExits(exits, status, statuses, where)]))
}

function assertStatusNames(statuses: readonly string[], where: string): void {
  const seen = new Map<string, string>()
  for (const status of statuses) {
    checkedName(status, `${where}: the name of a status`)
    // JavaScript moves such keys to the front, and the order of the statuses means something.
    if (/^\d+$/.test(status))
      throw new Configuration(`${where}: status '${status}' is a number, and JavaScript would move it to the front: call it 's${status}'`)
    const other = seen.get(collisionKey(status))
    if (other !== undefined)
      throw new Configuration(
        `${where}: '${other}' and '${status}' differ only in case or look alike, and some systems cannot tell such topics apart: rename one`,
      )
    seen.set(collisionKey(status), status)
  }
}

function checkedExits(value: unknown, status: string, statuses: readonly string[], where: string): ExitsModel {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Configuration(
      `${where}: the exits of '${status}' must be an object like { step: ['done'] }, or {} if it is terminal; got ${shown(value)}`,
    )
  }
  const exits: { [Kind in ExitKind]?: readonly string[] } = {}
  for (const [kind, to] of Object.entries(value)) {
    if (!isExitKind(kind)) throw new Configuration(`${where}: '${status}' has an exit '${kind}'. ${suggestion(kind, exitKinds)}`)
    if (to !== undefined) exits[kind] = checkedDestinations(to, `${where}: the ${kind} of '${status}'`, statuses)
  }
  return Object.freeze(exits)
}

function checkedDestinations(value: unknown, what: string, statuses: readonly string[]): readonly string[] {
  if (!Array.isArray(value)) throw new Configuration(`${what} must list its destinations, like ['done']; got ${shown(value)}`)
  if (value.length === 0) throw new Configuration(`${what} leads nowhere: list at least one status, or leave the exit out`)
  const seen = new Set<string>()
  for (const to of value as readonly unknown[]) {
    if (typeof to !== 'string' || !statuses.includes(to)) {
      throw new Configuration(`${what} leads to ${shown(to)}, which is no status. ${suggestion(String(to), statuses)}`)
    }
    if (seen.has(to)) throw new Configuration(`${what} lists '${to}' twice: leave one out`)
    seen.add(to)
  }
  return Object.freeze([...seen])
}

function assertReachable(graph: ContractModel['graph'], where: string): void {
  const unreachable = unreachableOf(graph)
  if (unreachable.length === 0) return
  throw new Configuration(
    `${where}: no run can reach ${quoted(unreachable)}: let an exit of another status lead there, or take it out of the graph`,
  )
}

function payloadsOf(value: unknown, graph: ContractModel['graph'], where: string): ReadonlyMap<string, Schema> {
  const entries = perStatus(value, 'callback', 'payloads', graph, where).map(([status, schema]): [string, Schema] => {
    if (!isSchema(schema))
      throw new Configuration(`${where}: the payload of '${status}' must be a Standard Schema or unchecked<T>(); got ${shown(schema)}`)
    return [status, schema]
  })
  return new Map(entries)
}

function childrenOf(value: unknown, graph: ContractModel['graph'], where: string): ReadonlyMap<string, ContractModel> {
  const children = new Map<string, ContractModel>()
  for (const [status, contract] of perStatus(value, 'join', 'children', graph, where)) {
    try {
      children.set(status, contractModelOf(contract))
    } catch (cause) {
      throw new Configuration(`${where}: the children of '${status}' must be a contract made with workflow(…); got ${shown(contract)}`, {
        cause,
      })
    }
  }
  for (const [status, exits] of graph) {
    if (exits.join !== undefined && !children.has(status)) {
      throw new Configuration(
        `${where}: a join leaves '${status}', but nothing says whose runs it waits for: add children: { '${status}': theirContract }`,
      )
    }
  }
  return children
}

function perStatus(value: unknown, kind: ExitKind, option: string, graph: ContractModel['graph'], where: string): [string, unknown][] {
  if (value === undefined) return []
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Configuration(`${where}: ${option} must be an object by status; got ${shown(value)}`)
  }
  return Object.entries(value)
    .filter(([, entry]) => entry !== undefined)
    .map(([status, entry]: [string, unknown]) => {
      if (graph.get(status)?.[kind] === undefined) {
        const possible = [...graph].filter(([, exits]) => exits[kind] !== undefined).map(([name]) => name)
        throw new Configuration(`${where}: ${option} has '${status}', but no ${kind} leaves that status. ${suggestion(status, possible)}`)
      }
      return [status, entry]
    })
}

function isExitKind(kind: string): kind is ExitKind {
  return (exitKinds as readonly string[]).includes(kind)
}

/** The same for graphs with the same statuses and transitions, in whatever order they were written. */
function fingerprintOf(graph: ContractModel['graph']): string {
  const edges = transitionsOf(graph)
    .map(({ from, to, kind }) => JSON.stringify([from, kind, to]))
    .sort()
  return createHash('sha256')
    .update(JSON.stringify([[...graph.keys()].sort(), edges]))
    .digest('hex')
    .slice(0, 16)
}
