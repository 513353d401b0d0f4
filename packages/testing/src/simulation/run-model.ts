import { isFinished, type AttemptNote, type Change, type RunRecord, type RunState } from '@workflow/core/adapter'

/** A callback in a run's inbox, as the oracle knows it. */
export interface ModelItem {
  readonly id: string
  /** The stay that it is meant for; undefined: whichever comes next. */
  readonly entered: number | undefined
}

/** One stream of an inbox. */
export interface ModelInbox {
  readonly items: ModelItem[]
  readonly ids: Set<string>
  /** How many from the front are consumed. */
  consumed: number
}

/** A run as it must be, by everything that was seen committed. */
export interface RunModel {
  /** In the order of creation, from 1. */
  readonly ordinal: number
  readonly runId: string
  readonly workflowName: string
  readonly foreignId: string
  readonly parent: RunRecord['parent']
  version: number
  status: string
  runState: RunState
  enteredVersion: number
  enteredAtMs: number
  repeat: number
  pause: RunRecord['pause']
  /** Which version of the object's shape it was written in. */
  schema: number
  /** When it came to its end, in microseconds of the timeline; undefined: it has not. */
  finishedUs: number | undefined
  readonly inbox: Map<string, ModelInbox>
  /** Notes of the current version, by process. */
  notes: ModelNotes
  /** Notes of the version before: a skip may take them along. */
  notesBefore: ModelNotes
  /** Whether an attempt at this version has failed, whatever has come of later ones. */
  failed: boolean
}

export type ModelNotes = Map<
  string,
  Pick<AttemptNote, 'kind' | 'attempt'> & {
    readonly writer: number
    /** Its writer may have lost the role before it was stored: who has the role may have looked earlier, and knows nothing of it. */
    readonly stray: boolean
    /** Before this it is not tried again. */
    readonly retryAtMs: number | undefined
  }
>

export function newRunModel(ordinal: number, { next }: Change, us: number): RunModel {
  return {
    ordinal,
    runId: next.runId,
    workflowName: next.workflowName,
    foreignId: next.foreignId,
    parent: next.parent,
    version: next.version,
    status: next.status,
    runState: next.runState,
    enteredVersion: next.entered.version,
    enteredAtMs: next.entered.at.getTime(),
    repeat: next.repeat,
    pause: next.pause,
    schema: next.writer.schema,
    finishedUs: isFinished(next.runState) ? us : undefined,
    inbox: new Map(),
    notes: new Map(),
    notesBefore: new Map(),
    failed: false,
  }
}

/** Takes a model to the next version. */
export function moveRunModel(run: RunModel, { next }: Change, us: number): void {
  run.version = next.version
  run.status = next.status
  run.runState = next.runState
  run.enteredVersion = next.entered.version
  run.enteredAtMs = next.entered.at.getTime()
  run.repeat = next.repeat
  run.pause = next.pause
  run.schema = next.writer.schema
  if (isFinished(next.runState)) run.finishedUs ??= us
  run.notesBefore = run.notes
  run.failed = false
  if (run.notes.size > 0) run.notes = new Map()
}
