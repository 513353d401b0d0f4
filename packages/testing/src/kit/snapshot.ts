/**
 * Runs and histories as plain data that is the same in every test run: ids become `run-1`, times become distances from the
 * start of the kit. What a snapshot could not show faithfully is refused by its path.
 */
import { type AnySnapshot, NotSerializable, type RunHistoryEntry } from '@workflow/core'
import { spokenExactly } from './distance.ts'

/** How snapshots are made. */
export interface SnapshotOptions {
  /** Called for each value with its path, e.g. `object.items[0].id`; what it returns is shown instead. For what is random in your objects. */
  readonly replace?: (value: unknown, path: string) => unknown
}

/** Data that any test runner can print and compare. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain }

/** A run, as a snapshot shows it. */
export interface RunSnapshotText {
  readonly workflow: string
  readonly run: string
  readonly foreignId: string
  readonly status: string
  readonly state: string
  readonly version: number
  readonly created: string
  readonly updated: string
  readonly entered: string
  readonly finished?: string
  readonly metadata: Plain
  readonly object?: Plain
}

/** A version of a run, as a snapshot shows it. */
export interface HistorySnapshot {
  readonly version: number
  readonly from?: string
  readonly to: string
  readonly by: string
  readonly states: readonly string[]
  readonly at: string
  readonly attempt: number
  readonly actor?: string
  readonly reason?: string
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string }
  readonly object?: Plain
}

/** What is the same in every test run, by what it is called there. */
export interface Normal {
  /** The kit's start, in ms since the epoch. */
  readonly startedAt: number
  /** Ids of runs, in the order of their creation. */
  readonly runIds: readonly string[]
}

export function runSnapshot(run: AnySnapshot, normal: Normal, options: SnapshotOptions = {}): RunSnapshotText {
  const plain = plainly(`the snapshot of run ${run.runId} of workflow '${run.workflowName}'`, normal, options)
  const at = (date: Date): string => distance(date, normal)
  return {
    workflow: run.workflowName,
    run: named(run.runId, normal),
    foreignId: named(run.foreignId, normal),
    status: run.status,
    state: run.state,
    version: run.version,
    created: at(run.createdAt),
    updated: at(run.updatedAt),
    entered: at(run.enteredAt),
    ...(run.finishedAt === undefined ? undefined : { finished: at(run.finishedAt) }),
    metadata: plain(run.metadata, 'metadata'),
    ...(run.object === undefined ? undefined : { object: plain(run.object, 'object') }),
  }
}

export function historySnapshot(
  runId: string,
  entries: readonly RunHistoryEntry[],
  normal: Normal,
  options: SnapshotOptions = {},
): readonly HistorySnapshot[] {
  return entries.map(({ version, from, to, by, states, at, attempt, actor, reason, error, object }) => {
    const plain = plainly(`the snapshot of version ${version} of run ${runId}`, normal, options)
    return {
      version,
      ...(from === undefined ? undefined : { from }),
      to,
      by,
      states,
      at: distance(at, normal),
      attempt,
      ...(actor === undefined ? undefined : { actor }),
      ...(reason === undefined ? undefined : { reason: named(reason, normal) }),
      ...(error === undefined
        ? undefined
        : {
            error: {
              name: error.name,
              message: named(error.message, normal),
              ...(error.code === undefined ? undefined : { code: error.code }),
            },
          }),
      ...(object === undefined ? undefined : { object: plain(object, 'object') }),
    }
  })
}

/** `start`, `start + 3d 2h`: the same whatever date the kit began at. */
function distance(date: Date, { startedAt }: Normal): string {
  const ms = date.getTime() - startedAt
  return ms === 0 ? 'start' : `start ${ms < 0 ? '-' : '+'} ${spokenExactly(Math.abs(ms))}`
}

/** Ids of runs get their names, wherever in a text they are. */
function named(text: string, { runIds }: Normal): string {
  return text.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) => {
    const place = runIds.indexOf(id)
    return place < 0 ? id : `run-${place + 1}`
  })
}

const depthMax = 100

/** Turns values into plain ones, by path. Throws `NotSerializable` for what has no plain form. */
function plainly(what: string, normal: Normal, { replace }: SnapshotOptions): (value: unknown, path: string) => Plain {
  const refuse = (path: string, is: string): never => {
    throw new NotSerializable(`${what}: '${path}' is ${is}. Leave it out of the object, or show something else by \`replace\``)
  }
  const plain = (given: unknown, path: string, depth: number): Plain => {
    const value = replace === undefined ? given : replace(given, path)
    if (depth > depthMax) return refuse(path.slice(0, 80), `nested more than ${depthMax} levels deep, or contains itself`)
    switch (typeof value) {
      case 'string':
        return named(value, normal)
      case 'boolean':
        return value
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? 0 : String(value)
      case 'bigint':
        return `${value}n`
      case 'undefined':
        return refuse(path, 'undefined in a place that counts')
      case 'function':
        return refuse(path, 'a function')
      case 'symbol':
        return refuse(path, 'a symbol')
    }
    if (value === null || value === undefined) return null
    if (Array.isArray(value)) return value.map((each, place) => plain(each, `${path}[${place}]`, depth + 1))
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? refuse(path, 'an invalid Date') : value.toISOString()
    if (value instanceof Map)
      return {
        Map: [...value].map(([key, each], place) => [
          plain(key, `${path}[${place}].key`, depth + 1),
          plain(each, `${path}[${place}]`, depth + 1),
        ]),
      }
    if (value instanceof Set) return { Set: [...value].map((each, place) => plain(each, `${path}[${place}]`, depth + 1)) }
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
      return refuse(path, `an instance of ${(value as object).constructor?.name ?? 'a class'}`)
    return Object.fromEntries(
      Object.entries(value)
        // The same as absent, for JSON and for whoever reads the snapshot.
        .filter(([, each]) => each !== undefined)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([key, each]) => [key, plain(each, `${path}.${key}`, depth + 1)]),
    )
  }
  return (value, path) => plain(value, path, 0)
}
