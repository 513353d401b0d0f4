/**
 * The functions that read what changes all the time: records by id, and the tail of the event table. They are functions
 * for the sake of their planner settings, see `commit-function.ts`. STABLE means that all of one call is one snapshot,
 * which the tracking of gaps needs.
 */

/** The columns of an event that receivers are given. */
export const eventColumns = 'id, origin, shape, version, slot, at, run_id, foreign_id, traceparent'
const eventTypes =
  'id bigint, origin integer, shape integer, version bigint, slot integer, at bigint, run_id text, foreign_id text, traceparent text'
const settings = 'SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan'
const own = eventColumns
  .split(', ')
  .map((column) => `e.${column}`)
  .join(', ')

/**
 * The first event of each batch always comes, so that nothing looks like a gap only because nobody wants it. Of each shape the
 * reader names the slots that it wants, a bit each; all come of a shape of which it has not heard yet.
 */
const wanted = 'e.id % 4096 = 0 OR (e.origin <> p_origin AND coalesce(p_masks[e.shape] >> (e.slot & 63), 1) & 1 = 1)'

export const readFunctions: string = `
CREATE FUNCTION {lookup_1}(p_runs text[]) RETURNS SETOF {record} LANGUAGE plpgsql STABLE ${settings} AS $body$
BEGIN RETURN QUERY SELECT r.* FROM unnest(p_runs) AS w(run) JOIN {record} r ON r.run_id = w.run; END
$body$;
-- What is new after p_after, and what has come to light in gaps, in the order of the ids. The last row is the oldest transaction that is still open.
CREATE FUNCTION {read_1}(p_after bigint, p_gaps bigint[], p_origin integer, p_masks bigint[], p_limit integer)
RETURNS TABLE (${eventTypes}) LANGUAGE plpgsql STABLE ${settings} AS $body$
#variable_conflict use_column
BEGIN RETURN QUERY
  SELECT ${own} FROM unnest(p_gaps) AS g(batch)
    CROSS JOIN LATERAL (SELECT * FROM {event} e WHERE e.id >= g.batch * 4096 AND e.id < g.batch * 4096 + 4096 AND (${wanted}) ORDER BY e.id) AS e
  UNION ALL (SELECT ${own} FROM {event} e WHERE e.id > p_after AND (${wanted}) ORDER BY e.id LIMIT p_limit)
  UNION ALL SELECT -1, 0, 0, pg_snapshot_xmin(pg_current_snapshot())::text::bigint, 0, 0, '', '', NULL;
END
$body$;
-- A stretch of the table, for those who are behind.
CREATE FUNCTION {scan_1}(p_after bigint, p_to bigint, p_skip integer[], p_slots integer[], p_limit integer)
RETURNS TABLE (${eventTypes}) LANGUAGE plpgsql STABLE ${settings} AS $body$
#variable_conflict use_column
BEGIN RETURN QUERY
  SELECT ${own} FROM {event} e WHERE e.id > p_after AND e.id <= p_to AND e.shape <> ALL (p_skip)
    AND (p_slots IS NULL OR e.slot = ANY (p_slots)) ORDER BY e.id LIMIT p_limit;
END
$body$;
-- Single batches, and single events.
CREATE FUNCTION {pick_1}(p_batches bigint[], p_ids bigint[]) RETURNS TABLE (${eventTypes}) LANGUAGE plpgsql STABLE ${settings} AS $body$
#variable_conflict use_column
BEGIN RETURN QUERY
  SELECT ${own} FROM unnest(p_batches) AS g(batch)
    CROSS JOIN LATERAL (SELECT * FROM {event} e WHERE e.id >= g.batch * 4096 AND e.id < g.batch * 4096 + 4096 ORDER BY e.id) AS e
  UNION ALL SELECT ${own} FROM unnest(p_ids) AS i(id) JOIN {event} e ON e.id = i.id;
END
$body$;
-- The last number that was given to a batch, and then, in this order, a transaction that is younger than all who have one.
-- A message in the log of the server makes this transaction wait for the disk, and with it for what drew that number: else a
-- server that crashes could give the number again, to a transaction that is younger than ours.
CREATE FUNCTION {tail_1}(OUT tail bigint, OUT xact bigint) LANGUAGE plpgsql AS $body$
BEGIN
  SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END INTO tail FROM {batch} s;
  xact := pg_current_xact_id()::text::bigint;
  PERFORM pg_logical_emit_message(true, 'workflow', '');
END
$body$;
-- The numbers up to p_tail that may still be filled: none, once everybody older than p_xact has ended.
CREATE FUNCTION {open_1}(p_settled bigint, p_tail bigint, p_xact bigint, OUT head bigint, OUT holes bigint[]) LANGUAGE plpgsql STABLE ${settings} AS $body$
BEGIN
  SELECT coalesce(max(e.id), 0) INTO head FROM {event} e;
  IF pg_snapshot_xmin(pg_current_snapshot())::text::bigint > p_xact THEN holes := '{}';
  ELSE
    SELECT coalesce(array_agg(b), '{}') INTO holes FROM generate_series(greatest(p_settled, p_tail - 100000) + 1, p_tail) AS b
    WHERE NOT EXISTS (SELECT 1 FROM {event} e WHERE e.id >= b * 4096 AND e.id < b * 4096 + 4096);
  END IF;
END
$body$;
`
