/** One change of a batch as the function `commit_1` takes it: a row of a type of its own, so that a batch is one parameter. */
import { openStates } from '@workflow/sql'

/** The columns, in their order. Texts of payloads are the codec and its version; bytes are the payload itself. */
export const changeColumns = {
  unit: 'integer',
  expect: 'bigint',
  run_id: 'text',
  foreign_id: 'text',
  status: 'text',
  state: 'text',
  entered_version: 'bigint',
  entered_at: 'bigint',
  repeat: 'bigint',
  updated_at: 'bigint',
  finished_at: 'bigint',
  writer: 'text',
  metadata: 'text',
  traceparent: 'text',
  pause: 'text',
  codec: 'text',
  object: 'bytea',
  workflow: 'text',
  created_at: 'bigint',
  parent_workflow: 'text',
  parent_run: 'text',
  parent_join: 'text',
  shape: 'integer',
  slot: 'integer',
  at: 'bigint',
  event_traceparent: 'text',
  unit_id: 'text',
  entry: 'text',
  event_codec: 'text',
  event_object: 'bytea',
  reason_codec: 'text',
  reason: 'bytea',
  error_codec: 'text',
  error: 'bytea',
} as const

export const changeType: string = `CREATE TYPE {change} AS (${Object.entries(changeColumns)
  .map(([name, type]) => `${name} ${type}`)
  .join(', ')});`

/** Mostly the history's object is the record's own: then it is not sent twice. As an event's codec this says so. */
export const sameObject = '='

/** Each batch takes so many numbers for the records that it may create: more than a unit has parts. */
export const seqsPerBatch = 16_384

const isOpen = `w.state = ANY ('{${openStates.join()}}')`

/** What an update of `record` as r sets, from a change as w. */
export const recordUpdate: string = `version = w.expect + 1, status = w.status, state = w.state,
            ended = CASE WHEN w.finished_at IS NULL THEN 0 ELSE r.seq END, open = ${isOpen},
            entered_version = w.entered_version, entered_at = w.entered_at, repeat = w.repeat, updated_at = w.updated_at,
            finished_at = w.finished_at, writer = w.writer, metadata = w.metadata::jsonb, traceparent = w.traceparent, pause = w.pause,
            attempts = NULL, object_codec = w.codec, object = w.object`

/** The insertion of a record with the seq that an expression gives, from a change as w; its source follows. */
export const recordInsert = (seq: string): string => `INSERT INTO {record} (seq, run_id, workflow, foreign_id, version, status, state,
          ended, open, entered_version, entered_at, repeat, created_at, updated_at, finished_at, writer, metadata, parent_workflow,
          parent_run, parent_join, traceparent, pause, object_codec, object)
        SELECT ${seq}, w.run_id, w.workflow, w.foreign_id, 1, w.status, w.state, CASE WHEN w.finished_at IS NULL THEN 0 ELSE ${seq} END,
          ${isOpen}, w.entered_version, w.entered_at, w.repeat, w.created_at, w.updated_at, w.finished_at, w.writer, w.metadata::jsonb,
          w.parent_workflow, w.parent_run, w.parent_join, w.traceparent, w.pause, w.codec, w.object`

/** The columns of a change that its event is made of. */
export const eventParts = `w.expect, w.at, w.shape, w.slot, w.run_id, w.foreign_id, w.event_traceparent, w.unit_id, w.entry, w.codec, w.object,
          w.event_codec, w.event_object, w.reason_codec, w.reason, w.error_codec, w.error`

/** The insertion of an event with the id and the record's seq that expressions give, from a change as w; its source follows. */
export const eventInsert = (
  id: string,
  seq: string,
): string => `INSERT INTO {event} (id, run, version, at, origin, shape, slot, run_id, foreign_id, traceparent, unit, entry,
          object_codec, object, reason_codec, reason, error_codec, error)
        SELECT ${id}, ${seq}, w.expect + 1, w.at, p_origin, w.shape, w.slot, w.run_id, w.foreign_id, w.event_traceparent, w.unit_id, w.entry,
          CASE w.event_codec WHEN '${sameObject}' THEN w.codec ELSE w.event_codec END,
          CASE w.event_codec WHEN '${sameObject}' THEN w.object ELSE w.event_object END, w.reason_codec, w.reason, w.error_codec, w.error`
