/**
 * What the API is sent, as JSON, with the header `x-workflow-webui: 1`: see run-json.ts. Paths are below
 * `/api/v1/workflows/{workflow}`.
 */
import {
  array,
  type InferOutput,
  integer,
  literal,
  maxEntries,
  maxLength,
  maxValue,
  minLength,
  minValue,
  number,
  object,
  optional,
  picklist,
  pipe,
  record,
  strictObject,
  string,
  variant,
  boolean,
  description,
} from 'valibot'
import { count, runJson, runState } from './run-json.ts'

const reason = pipe(string(), minLength(1), maxLength(4_096))
const version = pipe(number(), integer(), minValue(1), maxValue(Number.MAX_SAFE_INTEGER))
const id = pipe(string(), minLength(1), maxLength(255))
const retryKey = pipe(id, description('sent again with the same key, a retry answers with the same new run'))
const timeText = pipe(string(), maxLength(64))

/** `POST /runs/{runId}/actions` */
export const actionJson = variant('action', [
  strictObject({ action: picklist(['pause', 'resume', 'cancel', 'deleteData']), reason, ifVersion: optional(version) }),
  strictObject({ action: literal('retry'), reason, ifVersion: optional(version), key: optional(retryKey) }),
  strictObject({ action: literal('moveTo'), status: id, reason, ifVersion: optional(version) }),
])
export type ActionJson = InferOutput<typeof actionJson>

/** `runId` is the new run of a retry. `run` is absent where the store did not answer any more once the action was done. */
export const actionResultJson = object({ runId: string(), run: optional(runJson) })
export type ActionResultJson = InferOutput<typeof actionResultJson>

/** Which runs: as `GET /runs` takes it in its URL. */
export const runFilterJson = strictObject({
  status: optional(pipe(array(id), maxLength(1_000))),
  state: optional(pipe(array(runState), maxLength(100))),
  foreignId: optional(id),
  metadata: optional(pipe(record(string(), string()), maxEntries(20))),
  parentRunId: optional(id),
  createdAfter: optional(timeText),
  createdBefore: optional(timeText),
  updatedBefore: optional(timeText),
})
export type RunFilterJson = InferOutput<typeof runFilterJson>

export const bulkAction = picklist(['pause', 'resume', 'cancel', 'retry'])
export type BulkAction = InferOutput<typeof bulkAction>

/** `POST /bulk/preview`: what a bulk action would touch. It answers with exact ids, and changes nothing. */
export const bulkPreviewRequestJson = strictObject({ action: bulkAction, filter: runFilterJson })

export const bulkPreviewJson = object({
  runs: array(object({ runId: string(), foreignId: string(), status: string(), state: runState, version: count })),
  skipped: count,
  more: boolean(),
  limit: count,
})
export type BulkPreviewJson = InferOutput<typeof bulkPreviewJson>

/** `POST /bulk`: a chunk, so that whoever asks can show how far it is. */
export const bulkRequestJson = strictObject({
  action: bulkAction,
  reason,
  key: optional(retryKey),
  runs: pipe(array(strictObject({ runId: id, ifVersion: version })), minLength(1), maxLength(100)),
})

export const bulkResultJson = object({
  results: array(
    variant('ok', [
      object({ runId: string(), ok: literal(true) }),
      object({ runId: string(), ok: literal(false), code: string(), message: string() }),
    ]),
  ),
})
export type BulkResultJson = InferOutput<typeof bulkResultJson>
