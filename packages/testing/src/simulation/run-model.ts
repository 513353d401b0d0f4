import type { AttemptNote, Change, RunRecord, RunState } from '@workflow/core/adapter'

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
  readonly inbox: Map<string, ModelInbox>
  /** Notes of the current version, by process. */
  notes: ModelNotes
  /** Notes of the version before: a skip may take them along. */
  notesBefore: ModelNotes
}

export type ModelNotes = Map<string, Pick<AttemptNote, 'kind' | 'attempt'> & { readonly writer: number }>

export function newRunModel(ordinal: number, { next }: Change): RunModel {
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
    inbox: new Map(),
    notes: new Map(),
    notesBefore: new Map(),
  }
}

/** Takes a model to the next version. */
export function moveRunModel(run: RunModel, { next }: Change): void {
  run.version = next.version
  run.status = next.status
  run.runState = next.runState
  run.enteredVersion = next.entered.version
  run.enteredAtMs = next.entered.at.getTime()
  run.repeat = next.repeat
  run.pause = next.pause
  run.notesBefore = run.notes
  if (run.notes.size > 0) run.notes = new Map()
}
