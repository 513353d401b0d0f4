/** Hides what must not leave. Nothing of a run or an entry is written before its hook has answered. */
import { InvalidArgument } from '../errors.ts'
import { shown } from '../model/option-check.ts'
import type { RunHistoryEntry } from '../run-history.ts'
import type { ExportedRun } from './exported-run.ts'

/**
 * Takes out, or replaces, what must not leave. Each hook is given what the store has, and gives back what is exported: the
 * same, a changed copy, or a promise of it. What one throws ends the export, and nothing of its run or entry has left then.
 */
export interface Redaction {
  /** Ids, metadata, status and times: once per run, before its entries. The same run must become the same ids. */
  readonly run?: (run: ExportedRun) => ExportedRun | Promise<ExportedRun>
  /** The object as of a version, where objects are exported and this one has not been deleted. `undefined` leaves it out. */
  readonly object?: (object: unknown, entry: RunHistoryEntry, run: ExportedRun) => unknown
  /** Everything else of an entry: actor, reason, error, instance; with the object as `object` has left it. */
  readonly entry?: (entry: RunHistoryEntry, run: ExportedRun) => RunHistoryEntry | Promise<RunHistoryEntry>
}

export const redactionHooks: readonly (keyof Redaction)[] = ['run', 'object', 'entry']

/** The run as it may leave. */
export async function redactedRun({ run: hook }: Redaction, run: ExportedRun): Promise<ExportedRun> {
  if (hook === undefined) return run
  const made = await called(run, 'run', undefined, async () => await hook(run))
  const fault = faultOf(made, runShape)
  if (fault === undefined) return made
  throw useless(run, 'run', undefined, fault)
}

/** The entry as it may leave, its object included. `run` is the one of the store. */
export async function redactedEntry(redaction: Redaction, entry: RunHistoryEntry, run: ExportedRun): Promise<RunHistoryEntry> {
  const { object: objectHook, entry: entryHook } = redaction
  let made = entry
  if (objectHook !== undefined && entry.object !== undefined)
    made = { ...entry, object: await called(run, 'object', entry.version, async () => await objectHook(entry.object, entry, run)) }
  if (entryHook === undefined) return made
  const given = made
  made = await called(run, 'entry', entry.version, async () => await entryHook(given, run))
  const fault = faultOf(made, entryShape)
  if (fault === undefined) return made
  throw useless(run, 'entry', entry.version, fault)
}

type Check = (value: unknown) => boolean
const text: Check = (value) => typeof value === 'string'
const number: Check = (value) => typeof value === 'number' && Number.isFinite(value)
const date: Check = (value) => value instanceof Date && !Number.isNaN(value.getTime())
const texts: Check = (value) =>
  typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === 'string')
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)

const runShape: { readonly [Key in keyof ExportedRun]?: Check } = {
  workflowName: text,
  runId: text,
  foreignId: text,
  status: text,
  state: text,
  createdAt: date,
  finishedAt: maybe(date),
  metadata: (value) => !Array.isArray(value) && texts(value),
}

const entryShape: { readonly [Key in keyof RunHistoryEntry]?: Check } = {
  version: number,
  from: maybe(text),
  to: text,
  states: (value) => Array.isArray(value) && texts(value),
  by: text,
  at: date,
  attempt: number,
  durationMs: maybe(number),
  instance: text,
  actor: maybe(text),
  reason: maybe(text),
  error: maybe((value) => texts(value) && ['name', 'message'].every((key) => text(Reflect.get(Object(value), key)))),
}

/** What of a value cannot be exported, for a hook in JavaScript that has no compiler behind it. */
function faultOf(value: unknown, shape: { readonly [key: string]: Check | undefined }): string | undefined {
  if (typeof value !== 'object' || value === null) return shown(value)
  const key = Object.keys(shape).find((each) => shape[each]?.(Reflect.get(value, each)) === false)
  return key === undefined ? undefined : `${key}: ${shown(Reflect.get(value, key))}`
}

async function called<T>(run: ExportedRun, hook: keyof Redaction, version: number | undefined, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw new InvalidArgument(
      `${placeOf(run, hook, version)} failed: ${error instanceof Error ? error.message : shown(error)}. Nothing of what it was given has left`,
      { cause: error, details: { runId: run.runId, ...(version === undefined ? undefined : { version }) } },
    )
  }
}

function useless(run: ExportedRun, hook: keyof Redaction, version: number | undefined, fault: string): InvalidArgument {
  return new InvalidArgument(`${placeOf(run, hook, version)} must give back ${hook === 'run' ? 'a run' : 'an entry'}; got ${fault}`, {
    details: { runId: run.runId, ...(version === undefined ? undefined : { version }) },
  })
}

function placeOf(run: ExportedRun, hook: keyof Redaction, version: number | undefined): string {
  return `redact.${hook} for ${version === undefined ? '' : `version ${version} of `}run ${run.runId} of workflow '${run.workflowName}'`
}
