/** A run's row in the table `record`, and the record that it stands for. */
import { runStates, StoreCorrupt, type AttemptNote, type RunPause, type RunRecord, type RunState } from '@workflow/core/adapter'
import { payloadFromJson, payloadOf, payloadToJson, type PayloadJson } from './payload-column.ts'

/** The columns that make a record, in the order that `recordOf` reads; `metadata` and `attempts` as text. */
export const recordColumns = `seq, run_id, workflow, foreign_id, version, status, state, entered_version, entered_at, repeat, created_at,
  updated_at, finished_at, writer, metadata, parent_workflow, parent_run, parent_join, traceparent, pause, attempts, object_codec, object`

/** A row of `recordColumns`, as an array. */
export type RecordRow = readonly [
  seq: number,
  runId: string,
  workflow: string,
  foreignId: string,
  version: number,
  status: string,
  state: string,
  enteredVersion: number,
  enteredAt: number,
  repeat: number,
  createdAt: number,
  updatedAt: number,
  finishedAt: number | null,
  writer: string,
  metadata: string | null,
  parentWorkflow: string | null,
  parentRun: string | null,
  parentJoin: string | null,
  traceparent: string | null,
  pause: string | null,
  attempts: string | null,
  objectCodec: string,
  object: Uint8Array,
]

const noMetadata: Readonly<Record<string, string>> = Object.freeze({})

/** The record of a row. A row that makes no sense throws `StoreCorrupt` naming the run. */
export function recordOf(row: RecordRow, attempts: boolean): RunRecord {
  const runId = row[1]
  try {
    assertVersions(row[4], row[7])
    return {
      workflowName: row[2],
      foreignId: row[3],
      runId,
      seq: BigInt(row[0]),
      version: row[4],
      status: row[5],
      runState: stateOf(row[6]),
      entered: { version: row[7], at: new Date(row[8]) },
      repeat: row[9],
      object: payloadOf(row[21], row[22], runId),
      metadata: row[14] === null ? noMetadata : (JSON.parse(row[14]) as Record<string, string>),
      writer: writerOf(row[13]),
      createdAt: new Date(row[10]),
      updatedAt: new Date(row[11]),
      ...(row[12] === null ? {} : { finishedAt: new Date(row[12]) }),
      ...(row[15] === null || row[16] === null || row[17] === null
        ? {}
        : { parent: { workflowName: row[15], runId: row[16], join: row[17] } }),
      ...(row[18] === null ? {} : { traceparent: row[18] }),
      ...(row[19] === null ? {} : { pause: pauseOf(row[19], runId) }),
      ...(row[20] === null || !attempts ? {} : { attempts: notesOf(row[20], runId) }),
    }
  } catch (cause) {
    if (cause instanceof StoreCorrupt) throw cause
    throw new StoreCorrupt(`the row of run ${JSON.stringify(runId)} makes no sense: restore it from a backup`, {
      cause,
      details: { runId },
    })
  }
}

const states: ReadonlySet<string> = new Set(runStates)

function stateOf(text: string): RunState {
  if (!states.has(text)) throw new TypeError(`state ${JSON.stringify(text)}`)
  // The cast holds because of the line above.
  return text as RunState
}

function assertVersions(version: number, entered: number): void {
  if (!(entered >= 1 && entered <= version)) throw new TypeError(`version ${version}, entered at ${entered}`)
}

/** `writer` as text: the schema, then the graph's fingerprint. */
export function writerText({ graph, schema }: RunRecord['writer']): string {
  return `${schema}/${graph}`
}

function writerOf(text: string): RunRecord['writer'] {
  const slash = text.indexOf('/')
  const schema = Number(text.slice(0, slash))
  if (slash < 1 || !Number.isInteger(schema)) throw new TypeError(`writer ${JSON.stringify(text)}`)
  return { graph: text.slice(slash + 1), schema }
}

/** Metadata as JSON; null for none, as most runs have. */
export function metadataText(metadata: Readonly<Record<string, string>>): string | null {
  for (const _ in metadata) return JSON.stringify(metadata)
  return null
}

interface PauseJson {
  readonly by: RunPause['by']
  readonly actor?: string
  readonly reason: PayloadJson
  readonly resumeAt?: number
}

/** A pause as JSON. */
export function pauseText(pause: RunPause | undefined): string | null {
  if (pause === undefined) return null
  const { by, actor, reason, resumeAt } = pause
  return JSON.stringify({ by, actor, reason: payloadToJson(reason), resumeAt: resumeAt?.getTime() })
}

/** The pause of its JSON. */
export function pauseOf(text: string, runId: string): RunPause {
  const { by, actor, reason, resumeAt } = JSON.parse(text) as PauseJson
  return {
    by,
    reason: payloadFromJson(reason, runId),
    ...(actor === undefined ? {} : { actor }),
    ...(resumeAt === undefined ? {} : { resumeAt: new Date(resumeAt) }),
  }
}

type NoteJson = Omit<AttemptNote, 'startedAt' | 'error' | 'retryAt'> & {
  readonly startedAt: number
  readonly error?: PayloadJson
  readonly retryAt?: number
}

/** Notes as JSON, by their process. */
export function notesText(notes: readonly AttemptNote[]): string {
  return JSON.stringify(
    Object.fromEntries(
      notes.map((note): [string, NoteJson] => {
        const { startedAt, error, retryAt, ...rest } = note
        return [
          note.process,
          {
            ...rest,
            startedAt: startedAt.getTime(),
            ...(error === undefined ? {} : { error: payloadToJson(error) }),
            ...(retryAt === undefined ? {} : { retryAt: retryAt.getTime() }),
          },
        ]
      }),
    ),
  )
}

/** The notes of their JSON. */
export function notesOf(text: string, runId: string): readonly AttemptNote[] {
  return Object.values(JSON.parse(text) as Readonly<Record<string, NoteJson>>).map(({ startedAt, error, retryAt, ...rest }) => ({
    ...rest,
    startedAt: new Date(startedAt),
    ...(error === undefined ? {} : { error: payloadFromJson(error, runId) }),
    ...(retryAt === undefined ? {} : { retryAt: new Date(retryAt) }),
  }))
}
