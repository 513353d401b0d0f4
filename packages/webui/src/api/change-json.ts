/** What runs do, as it happens: see run-json.ts. */
import { type InferOutput, object, optional, string } from 'valibot'
import { count, runState, time } from './run-json.ts'

/**
 * The data of an event `change` of `GET /api/v1/changes?workflow=…` (repeated; all by default), server-sent events. An event
 * `refresh` says that some may be missing: ask again for what is shown. A stream ends now and then; `EventSource` connects again
 * and goes on where it was, by `Last-Event-ID`.
 */
export const changeJson = object({
  workflow: string(),
  runId: string(),
  foreignId: string(),
  version: count,
  from: optional(string()),
  status: string(),
  state: runState,
  at: time,
})
export type ChangeJson = InferOutput<typeof changeJson>
