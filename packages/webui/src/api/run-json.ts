/**
 * What the API says of runs, version 1: schemas, from which come the types, the checks and the OpenAPI description. Times are
 * ISO 8601 texts in UTC, durations are in milliseconds, what does not apply is left out. Within a version fields are only
 * added. Paths are below `/api/v1/workflows/{workflow}`; whatever is sent as text is text, and never markup.
 */
import {
  array,
  boolean,
  description,
  type InferOutput,
  literal,
  number,
  object,
  optional,
  picklist,
  pipe,
  record,
  string,
  unknown,
  variant,
} from 'valibot'

export const time = pipe(string(), description('ISO 8601, UTC'))
export const count = pipe(number(), description('a whole number'))
export const ms = pipe(number(), description('milliseconds'))

export const runState = picklist(['Initiated', 'Running', 'Paused', 'Completed', 'Cancelled', 'RequestedDataDeleted', 'DataDeleted'])
export const movedBy = picklist(['trigger', 'step', 'callback', 'timeout', 'join', 'person', 'engine'])
export const exitKind = picklist(['step', 'callback', 'timeout', 'join'])

/** A run without its object: as lists have it. */
export const runJson = object({
  workflow: string(),
  runId: string(),
  foreignId: string(),
  status: string(),
  state: runState,
  version: count,
  metadata: record(string(), string()),
  createdAt: time,
  updatedAt: time,
  enteredAt: time,
  finishedAt: optional(time),
  pause: optional(object({ by: picklist(['person', 'engine']), actor: optional(string()), reason: string(), resumeAt: optional(time) })),
  parent: optional(object({ workflow: string(), runId: string(), status: string() })),
  traceparent: optional(string()),
})
export type RunJson = InferOutput<typeof runJson>

/** `GET /runs`: a page; its `cursor`, given as `?cursor=`, gets the next one, and is absent on the last. */
export const runPageJson = object({ items: array(runJson), cursor: optional(string()) })
export type RunPageJson = InferOutput<typeof runPageJson>

/** `GET /runs/{runId}/children`: of every workflow, the newest 50 of each. */
export const childrenJson = object({ items: array(runJson), more: pipe(boolean(), description('there are more than these')) })
export type ChildrenJson = InferOutput<typeof childrenJson>

/** A run's object, or why there is none to show. `hidden`: the server's `redact` keeps it. */
export const objectJson = variant('kind', [
  object({ kind: literal('value'), value: unknown() }),
  object({ kind: literal('deleted') }),
  object({ kind: literal('hidden') }),
  object({ kind: literal('unreadable'), message: pipe(string(), description('it cannot be decoded, or does not fit its schema')) }),
])
export type ObjectJson = InferOutput<typeof objectJson>

/** `GET /runs/{runId}` */
export const runDetailJson = object({ ...runJson.entries, object: objectJson })
export type RunDetailJson = InferOutput<typeof runDetailJson>

const recordedErrorEntries = { name: string(), message: string(), code: optional(string()), stack: optional(string()) }
export const failedAttemptJson = object({
  ...recordedErrorEntries,
  process: string(),
  attempt: count,
  startedAt: time,
  durationMs: ms,
  instance: string(),
})
export type FailedAttemptJson = InferOutput<typeof failedAttemptJson>

/** An item of `GET /runs/{runId}/history`, by version; `object` where `?objects=true` asks for it. */
export const historyEntryJson = object({
  version: count,
  from: optional(string()),
  to: string(),
  states: array(runState),
  by: movedBy,
  at: time,
  attempt: count,
  durationMs: optional(ms),
  instance: string(),
  actor: optional(string()),
  reason: optional(string()),
  error: optional(object(recordedErrorEntries)),
  failures: optional(array(failedAttemptJson)),
  object: optional(objectJson),
})
export type HistoryEntryJson = InferOutput<typeof historyEntryJson>
export const historyPageJson = object({ items: array(historyEntryJson), cursor: optional(string()) })

/** An item of `GET /runs/{runId}/timers`, in the order in which they were set. */
export const timerJson = object({
  kind: picklist(['timeout', 'retry', 'resume']),
  name: string(),
  version: count,
  at: time,
  state: picklist(['open', 'held', 'fired', 'cancelled']),
  attempt: count,
})
export type TimerJson = InferOutput<typeof timerJson>
export const timerPageJson = object({ items: array(timerJson), cursor: optional(string()) })

export const lagJson = object({ name: string(), events: count, oldest: optional(time) })
export type LagJson = InferOutput<typeof lagJson>

export const waitJson = variant('kind', [
  object({ kind: literal('step'), process: string() }),
  object({ kind: literal('callback'), status: string(), queued: count }),
  object({ kind: literal('timer'), name: string(), at: time, held: boolean() }),
  object({ kind: literal('retry'), process: string(), at: time, attempt: count }),
  object({ kind: literal('children'), join: string(), unfinished: count }),
  object({
    kind: literal('person'),
    pausedBy: picklist(['person', 'engine']),
    actor: optional(string()),
    reason: string(),
    resumeAt: optional(time),
  }),
  object({ kind: literal('nothing') }),
])

/** `GET /runs/{runId}/explanation` */
export const explanationJson = object({
  status: string(),
  state: runState,
  since: time,
  waitsFor: array(waitJson),
  failures: array(failedAttemptJson),
  holder: optional(object({ instance: string(), since: time })),
  lag: optional(lagJson),
  moves: array(string()),
  text: string(),
})
export type ExplanationJson = InferOutput<typeof explanationJson>

/** `GET /runs/{runId}/move?to=…`: what moving there would do. Give `version` as `ifVersion`. */
export const movePreviewJson = object({
  version: count,
  from: string(),
  to: string(),
  direction: picklist(['back', 'forward', 'again']),
  completes: boolean(),
  runsAgain: array(object({ version: count, by: movedBy, from: string(), to: string(), at: time })),
  skips: optional(array(string())),
  cancels: array(timerJson),
  refuses: count,
  orphans: count,
})
export type MovePreviewJson = InferOutput<typeof movePreviewJson>
