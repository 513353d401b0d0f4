/** What both formats say of a run and of an entry, in the order of the columns. */
import { activityOf, lifecycleOf } from './activity.ts'
import type { ExportedRun } from './exported-run.ts'
import type { RunHistoryEntry } from '../run-history.ts'

/** A value as a format writes it; absent where there is none. */
export type FieldValue = string | number | Date | undefined

/** A column of the CSV, and an attribute of the XES. */
export interface Field<T> {
  readonly column: string
  readonly key: string
  readonly type: 'string' | 'date' | 'int'
  /** Whether every run or entry has it. */
  readonly always: boolean
  readonly of: (value: T) => FieldValue
}

/** An entry that is ready to leave: redacted, its object encoded. */
export interface ExportedEntry {
  readonly entry: RunHistoryEntry
  readonly object?: string
  readonly objectProblem?: string
}

export const caseId: Field<ExportedRun> = { column: 'case_id', key: 'concept:name', type: 'string', always: true, of: (run) => run.runId }

/** Those of a run besides `caseId` and its metadata. */
export const runFields: readonly Field<ExportedRun>[] = [
  { column: 'workflow', key: 'workflow', type: 'string', always: true, of: (run) => run.workflowName },
  { column: 'foreign_id', key: 'foreign_id', type: 'string', always: true, of: (run) => run.foreignId },
  { column: 'case_status', key: 'status', type: 'string', always: true, of: (run) => run.status },
  { column: 'case_state', key: 'state', type: 'string', always: true, of: (run) => run.state },
  { column: 'case_created_at', key: 'created_at', type: 'date', always: true, of: (run) => run.createdAt },
  { column: 'case_finished_at', key: 'finished_at', type: 'date', always: false, of: (run) => run.finishedAt },
]

type EntryField = Field<ExportedEntry>

const moveFields: readonly EntryField[] = [
  { column: 'activity', key: 'concept:name', type: 'string', always: true, of: ({ entry }) => activityOf(entry) },
  { column: 'timestamp', key: 'time:timestamp', type: 'date', always: true, of: ({ entry }) => entry.at },
  { column: 'lifecycle', key: 'lifecycle:transition', type: 'string', always: true, of: ({ entry }) => lifecycleOf(entry) },
  { column: 'resource', key: 'org:resource', type: 'string', always: true, of: ({ entry }) => entry.actor ?? entry.instance },
  // By another name than the one that tools sort by as soon as it is there: a trigger has none, and would come last.
  { column: 'started_at', key: 'started_at', type: 'date', always: false, of: ({ entry }) => startOf(entry) },
  { column: 'version', key: 'version', type: 'int', always: true, of: ({ entry }) => entry.version },
  { column: 'from', key: 'from', type: 'string', always: false, of: ({ entry }) => entry.from },
  { column: 'to', key: 'to', type: 'string', always: true, of: ({ entry }) => entry.to },
  { column: 'by', key: 'by', type: 'string', always: true, of: ({ entry }) => entry.by },
  { column: 'state', key: 'state', type: 'string', always: true, of: ({ entry }) => entry.states.at(-1) ?? '' },
  { column: 'states', key: 'states', type: 'string', always: true, of: ({ entry }) => entry.states.join(' ') },
  { column: 'attempt', key: 'attempt', type: 'int', always: true, of: ({ entry }) => entry.attempt },
  { column: 'duration_ms', key: 'duration_ms', type: 'int', always: false, of: ({ entry }) => entry.durationMs },
  { column: 'instance', key: 'instance', type: 'string', always: true, of: ({ entry }) => entry.instance },
  { column: 'actor', key: 'actor', type: 'string', always: false, of: ({ entry }) => entry.actor },
  { column: 'reason', key: 'reason', type: 'string', always: false, of: ({ entry }) => entry.reason },
  { column: 'error', key: 'error', type: 'string', always: false, of: ({ entry }) => errorOf(entry) },
  { column: 'error_code', key: 'error_code', type: 'string', always: false, of: ({ entry }) => entry.error?.code },
]

const objectFields: readonly EntryField[] = [
  { column: 'object', key: 'object', type: 'string', always: false, of: ({ object }) => object },
  { column: 'object_problem', key: 'object_problem', type: 'string', always: false, of: ({ objectProblem }) => objectProblem },
]

/** Those of an entry; with those of its object where objects are exported. */
export function entryFields(objects: boolean): readonly EntryField[] {
  return objects ? [...moveFields, ...objectFields] : moveFields
}

/** When the attempt began, as far as its duration tells. */
function startOf({ at, durationMs }: RunHistoryEntry): Date | undefined {
  return durationMs === undefined ? undefined : new Date(at.getTime() - durationMs)
}

function errorOf({ error }: RunHistoryEntry): string | undefined {
  return error === undefined || error.name === error.message ? error?.message : `${error.name}: ${error.message}`
}
