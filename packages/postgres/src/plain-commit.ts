/**
 * The part of `commit_1` for what nearly every batch is: units of one change each and nothing beside it, first the `p_moves`
 * of runs that exist, then those that create one. Each kind is one statement, because to set up a statement takes Postgres
 * longer than a row of it.
 *
 * Answers `<base>;<base>;<n>:<seq>,...`: the ids of the first events of both kinds, 0 for none, and what was written, by its
 * place in the batch, from 1. What is not named there was refused, and the events of the others close ranks: they are
 * numbered without holes, in the order of the batch.
 *
 * The number is drawn by a query on the rows that were written, so after the last of them: see `commit-function.ts`.
 */
import { eventInsert, eventParts, recordInsert, recordUpdate, seqsPerBatch } from './change-type.ts'

/** From the rows that were written, by their places: a number for their events, and how many they are. */
const numbered = (rows: string): string => `batch AS MATERIALIZED (
        SELECT nextval('{batch}') * 4096 AS base, s.places, s.written
        FROM (SELECT array_agg(n ORDER BY n) AS places, count(*) AS written FROM ${rows}) AS s WHERE s.written > 0
      )`

/** The id of the event of place `n`, of `all` of which the first is place `first`. */
const eventId = (n: string, first: string, all: string): string =>
  `b.base + CASE WHEN b.written = ${all} THEN ${n} - ${first} ELSE array_position(b.places, ${n}) - 1 END`

export const plainCommit: string = `
    IF p_moves > 0 THEN
      WITH moved AS (
        UPDATE {record} r SET ${recordUpdate}
        FROM unnest(p_changes) WITH ORDINALITY AS w
        WHERE w.expect > 0 AND r.run_id = w.run_id AND r.version = w.expect
        RETURNING w.ordinality AS n, r.seq, ${eventParts}
      ), ${numbered('moved')}, told AS (
        ${eventInsert(eventId('w.n', '1', 'p_moves'), 'w.seq')}
        FROM batch b, moved w
      )
      SELECT b.base, (SELECT string_agg(m.n || ':' || m.seq, ',') FROM moved m) INTO v_moved_base, v_moved FROM batch b;
    END IF;
    IF p_moves < v_changes THEN
      v_seq := nextval('{record_seq}') * ${seqsPerBatch};
      WITH made AS (
        ${recordInsert('v_seq + w.ordinality')}
        FROM unnest(p_changes) WITH ORDINALITY AS w WHERE w.expect = 0 ON CONFLICT DO NOTHING
        RETURNING seq - v_seq AS n
      ), ${numbered('made')}, told AS (
        ${eventInsert(eventId('w.ordinality', '(1 + p_moves)', 'v_changes - p_moves'), 'v_seq + w.ordinality')}
        FROM batch b, unnest(p_changes) WITH ORDINALITY AS w
        WHERE w.expect = 0 AND (b.written = v_changes - p_moves OR w.ordinality = ANY (b.places))
      )
      SELECT b.base, (SELECT string_agg(m.n || ':' || (v_seq + m.n), ',') FROM made m) INTO v_made_base, v_made FROM batch b;
    END IF;
    IF p_solo AND coalesce(v_moved_base, v_made_base) IS NULL THEN RAISE EXCEPTION 'c1' USING ERRCODE = 'WF001'; END IF;
    IF p_channel IS NOT NULL AND coalesce(v_moved_base, v_made_base) IS NOT NULL THEN PERFORM pg_notify(p_channel, p_origin::text); END IF;
    RETURN coalesce(v_moved_base, 0) || ';' || coalesce(v_made_base, 0) || ';' || concat_ws(',', v_moved, v_made);
`
