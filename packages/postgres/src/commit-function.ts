import { eventInsert, recordInsert, recordUpdate, seqsPerBatch } from './change-type.ts'
import { plainCommit } from './plain-commit.ts'

/**
 * The function that writes a batch of units in one round trip. It is a function of the database, not a statement, for
 * three reasons: its steps run in an order that no planner changes, it is planned once per connection, also behind a
 * pooler, and it carries its own planner settings, because young tables without statistics would be scanned as a whole.
 *
 * The batch is numbered after the last row has been locked and written. So of two transitions of one run the later one
 * has the higher number, and the transaction that fills a number has an id before it draws it. The order of events and
 * the tracking of gaps rest on both: do not move that line.
 *
 * What a unit needs is looked at for the whole batch at once. Units that could be refused after something of them was
 * written come alone (p_solo), and are then refused by an error, which takes everything back.
 */
export const commitFunction: string = `
CREATE FUNCTION {commit_1}(
  p_origin integer, p_wait text, p_channel text, p_solo boolean, p_creates_first boolean, p_moves integer,
  p_changes {change}[], p_parts json
) RETURNS text LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan SET lock_timeout = '20ms'
AS $body$
#variable_conflict use_column
DECLARE
  v_changes integer := coalesce(cardinality(p_changes), 0);
  v_creates integer := 0;
  v_updates integer := 0;
  v_written integer := 0;
  v_seqs bigint[];
  v_failed integer[] := '{}';
  v_why text[] := '{}';
  v_events integer := 0;
  v_emits integer := 0;
  v_bases bigint[] := '{}';
  v_unit integer;
  v_at integer;
  v_reason text;
  v_seq bigint;
  v_count integer;
  v_round json;
  v_kind text;
  v_moved_base bigint;
  v_moved text;
  v_made_base bigint;
  v_made text;
BEGIN
  IF p_wait IS NOT NULL THEN PERFORM set_config('lock_timeout', p_wait, true); END IF;

  -- Every change is a unit, and there is nothing else.
  IF p_moves IS NOT NULL THEN
${plainCommit}
  END IF;

  PERFORM pg_current_xact_id();

  IF p_parts IS NOT NULL THEN
    -- Units without changes that are known already.
    IF p_parts -> 'units' IS NOT NULL THEN
      SELECT coalesce(array_agg(u.unit), '{}'), coalesce(array_agg('r'::text), '{}') INTO v_failed, v_why
      FROM json_to_recordset(p_parts -> 'units') AS u(unit integer, key uuid, owner text) JOIN {unit} k ON k.key = u.key;
    END IF;
    -- Changes that need an empty inbox. Whoever adds to it locks the run first, and so do we.
    IF p_parts -> 'empty' IS NOT NULL THEN
      PERFORM 1 FROM {record} r
      WHERE r.run_id = ANY (SELECT f.run FROM json_to_recordset(p_parts -> 'empty') AS f(run text)) ORDER BY r.run_id FOR NO KEY UPDATE;
      FOR v_unit, v_at IN
        SELECT f.unit, f.at FROM json_to_recordset(p_parts -> 'empty') AS f(unit integer, at integer, run text, stream text, through bigint)
        WHERE EXISTS (
          SELECT 1 FROM {item} i WHERE i.run_id = f.run AND i.pos > f.through AND NOT i.consumed AND i.stream = f.stream
        )
      LOOP
        v_failed := v_failed || v_unit;
        v_why := v_why || ('c' || v_at);
      END LOOP;
    END IF;
  END IF;

  IF v_changes > 0 THEN
    v_seq := nextval('{record_seq}') * ${seqsPerBatch};
    SELECT array_agg(CASE WHEN w.expect = 0 AND w.unit <> ALL (v_failed) THEN v_seq + w.ordinality END),
      count(*) FILTER (WHERE w.expect = 0 AND w.unit <> ALL (v_failed)),
      count(*) FILTER (WHERE w.expect > 0 AND w.unit <> ALL (v_failed))
    INTO v_seqs, v_creates, v_updates FROM unnest(p_changes) WITH ORDINALITY AS w;
    FOR v_count IN 1..2 LOOP
      IF v_updates > 0 AND (v_count = 1) <> p_creates_first THEN
        v_written := 0;
        FOR v_at, v_seq IN
          UPDATE {record} r SET ${recordUpdate}
          FROM unnest(p_changes) WITH ORDINALITY AS w
          WHERE w.expect > 0 AND r.run_id = w.run_id AND r.version = w.expect AND w.unit <> ALL (v_failed)
          RETURNING w.ordinality, r.seq
        LOOP
          v_seqs[v_at] := v_seq;
          v_written := v_written + 1;
        END LOOP;
        IF v_written < v_updates THEN
          FOR v_unit, v_at IN
            SELECT w.unit, w.ordinality FROM unnest(p_changes) WITH ORDINALITY AS w
            WHERE w.expect > 0 AND v_seqs[w.ordinality] IS NULL AND w.unit <> ALL (v_failed)
          LOOP
            v_failed := v_failed || v_unit;
            v_why := v_why || ('c' || v_at);
          END LOOP;
        END IF;
      ELSIF v_creates > 0 AND (v_count = 1) = p_creates_first THEN
        ${recordInsert('v_seqs[w.ordinality]')}
        FROM unnest(p_changes) WITH ORDINALITY AS w
        WHERE w.expect = 0 AND v_seqs[w.ordinality] IS NOT NULL ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS v_written = ROW_COUNT;
        IF v_written < v_creates THEN
          FOR v_unit, v_at IN
            SELECT w.unit, w.ordinality FROM unnest(p_changes) WITH ORDINALITY AS w
            WHERE w.expect = 0 AND v_seqs[w.ordinality] IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {record} r WHERE r.seq = v_seqs[w.ordinality])
          LOOP
            v_failed := v_failed || v_unit;
            v_why := v_why || ('c' || v_at);
            v_seqs[v_at] := NULL;
          END LOOP;
        END IF;
      END IF;
    END LOOP;
  END IF;

  IF p_parts IS NOT NULL THEN
    IF p_parts -> 'append' IS NOT NULL THEN
      PERFORM 1 FROM {record} r
      WHERE r.run_id = ANY (SELECT a.run FROM json_to_recordset(p_parts -> 'append') AS a(run text)) ORDER BY r.run_id FOR NO KEY UPDATE;
      FOR v_unit, v_at, v_reason IN
        SELECT DISTINCT ON (a.unit) a.unit, a.at, CASE WHEN a.unfinished AND coalesce(r.ended, 1) <> 0 THEN 'f' ELSE 'a' END
        FROM json_to_recordset(p_parts -> 'append') AS a(unit integer, at integer, key uuid, run text, unfinished boolean, version bigint)
        LEFT JOIN {record} r ON r.run_id = a.run
        WHERE a.unit <> ALL (v_failed)
          AND ((a.unfinished AND coalesce(r.ended, 1) <> 0) OR (a.version IS NOT NULL AND r.version IS DISTINCT FROM a.version))
          AND NOT EXISTS (SELECT 1 FROM {item} i WHERE i.key = a.key)
        ORDER BY a.unit, a.at
      LOOP
        v_failed := v_failed || v_unit;
        v_why := v_why || (v_reason || v_at);
      END LOOP;
    END IF;
    IF p_solo AND cardinality(v_failed) > 0 AND v_why[1] <> 'r' THEN
      RAISE EXCEPTION '%', v_why[1] USING ERRCODE = 'WF001';
    END IF;
    -- Only now: what is refused leaves no trace, or it would be taken for written when it is sent again.
    IF p_parts -> 'units' IS NOT NULL THEN
      INSERT INTO {unit} (key, owner)
      SELECT u.key, u.owner FROM json_to_recordset(p_parts -> 'units') AS u(unit integer, key uuid, owner text)
      WHERE u.unit <> ALL (v_failed) ORDER BY u.key ON CONFLICT DO NOTHING;
      GET DIAGNOSTICS v_count = ROW_COUNT;
      IF v_count < (SELECT count(*) FROM json_to_recordset(p_parts -> 'units') AS u(unit integer) WHERE u.unit <> ALL (v_failed)) THEN
        RAISE EXCEPTION 'the same unit was written elsewhere at this moment' USING ERRCODE = 'WF002';
      END IF;
    END IF;
    IF p_parts -> 'append' IS NOT NULL THEN
      INSERT INTO {item} (key, run_id, stream, item_id, body_codec, body)
      SELECT a.key, a.run, a.stream, a.id, a.codec, decode(a.body, 'base64')
      FROM json_to_recordset(p_parts -> 'append')
        AS a(unit integer, at integer, key uuid, run text, stream text, id text, codec text, body text)
      WHERE a.unit <> ALL (v_failed) ORDER BY a.at ON CONFLICT DO NOTHING;
    END IF;
    IF p_parts -> 'consume' IS NOT NULL THEN
      UPDATE {item} i SET consumed = true
      FROM json_to_recordset(p_parts -> 'consume') AS c(unit integer, run text, stream text, through bigint)
      WHERE c.unit <> ALL (v_failed) AND i.run_id = c.run AND i.stream = c.stream AND NOT i.consumed AND i.pos <= c.through;
    END IF;
    IF p_parts -> 'timers' IS NOT NULL THEN
      FOR v_round IN SELECT r FROM json_array_elements(p_parts -> 'timers') AS r LOOP
        v_kind := v_round ->> 'kind';
        IF v_kind = 'put' THEN
          INSERT INTO {timer} (key, owner_key, owner, kind, epoch, name, workflow, slot, at, held, attempt, data_codec, data)
          SELECT t.key, t.owner_key, t.owner, t.kind, t.epoch, t.name, t.workflow, t.slot, t.at, t.held, t.attempt, t.codec, decode(t.data, 'base64')
          FROM json_to_recordset(v_round -> 'rows') AS t(unit integer, key uuid, owner_key uuid, owner text, kind text, epoch bigint,
            name text, workflow text, slot integer, at bigint, held boolean, attempt bigint, codec text, data text)
          WHERE t.unit <> ALL (v_failed) ON CONFLICT DO NOTHING;
        ELSIF v_kind = 'settle' THEN
          UPDATE {timer} t SET status = s.status, data_codec = NULL, data = NULL FROM json_to_recordset(v_round -> 'rows') AS s(unit integer, key uuid, status text)
          WHERE s.unit <> ALL (v_failed) AND t.key = s.key AND t.status = 'open';
        ELSIF v_kind = 'move' THEN
          UPDATE {timer} t SET at = m.at, attempt = m.attempt, data_codec = coalesce(m.codec, t.data_codec),
            data = CASE WHEN m.codec IS NULL THEN t.data ELSE decode(m.data, 'base64') END
          FROM json_to_recordset(v_round -> 'rows') AS m(unit integer, key uuid, at bigint, attempt bigint, codec text, data text)
          WHERE m.unit <> ALL (v_failed) AND t.key = m.key AND t.status = 'open';
        ELSIF v_kind = 'cancelOwner' THEN
          UPDATE {timer} t SET status = 'cancelled' FROM json_to_recordset(v_round -> 'rows') AS o(unit integer, owner_key uuid)
          WHERE o.unit <> ALL (v_failed) AND t.owner_key = o.owner_key AND t.status = 'open';
        ELSE
          UPDATE {timer} t SET held = (v_kind = 'hold') FROM json_to_recordset(v_round -> 'rows') AS o(unit integer, owner_key uuid)
          WHERE o.unit <> ALL (v_failed) AND t.owner_key = o.owner_key AND t.status = 'open';
        END IF;
      END LOOP;
    END IF;
    IF p_parts -> 'notes' IS NOT NULL THEN
      -- A note that counts fewer failures than the one that is there comes late, from who has lost the run.
      UPDATE {record} r SET attempts = coalesce(r.attempts, '{}') || n.notes || coalesce((
        SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(r.attempts) AS e
        WHERE e.value ->> 'kind' = 'failed' AND n.notes -> e.key ->> 'kind' = 'failed'
          AND (e.value ->> 'attempt')::bigint > (n.notes -> e.key ->> 'attempt')::bigint), '{}')
      FROM json_to_recordset(p_parts -> 'notes') AS n(unit integer, run text, version bigint, notes jsonb)
      WHERE n.unit <> ALL (v_failed) AND r.run_id = n.run AND r.version = n.version;
    END IF;
    SELECT count(*) INTO v_emits FROM json_to_recordset(p_parts -> 'emit') AS e(unit integer) WHERE e.unit <> ALL (v_failed);
  ELSIF p_solo AND cardinality(v_failed) > 0 THEN
    RAISE EXCEPTION '%', v_why[1] USING ERRCODE = 'WF001';
  END IF;

  IF cardinality(v_failed) = 0 THEN v_events := v_changes;
  ELSE SELECT count(*) INTO v_events FROM unnest(p_changes) AS w WHERE w.unit <> ALL (v_failed);
  END IF;
  -- From here on everything is locked and written but the events: now, not earlier, the batch is given its number.
  FOR v_count IN 1..(v_events + v_emits + 4095) / 4096 LOOP
    v_bases := v_bases || nextval('{batch}') * 4096;
  END LOOP;
  IF v_events > 0 THEN
    ${eventInsert('v_bases[1 + w.n / 4096] + w.n % 4096', 'v_seqs[w.ordinality]')}
    FROM (
      SELECT x.*, row_number() OVER () - 1 AS n FROM unnest(p_changes) WITH ORDINALITY AS x WHERE x.unit <> ALL (v_failed)
    ) AS w;
  END IF;
  IF v_emits > 0 THEN
    INSERT INTO {event} (id, run, version, at, origin, shape, slot, run_id, foreign_id, traceparent)
    SELECT v_bases[1 + e.n / 4096] + e.n % 4096, (SELECT r.seq FROM {record} r WHERE r.run_id = e.run), e.version, e.at, p_origin, e.shape,
      e.slot, e.run, e.foreign_id, e.traceparent
    FROM (
      SELECT x.*, v_events + row_number() OVER () - 1 AS n
      FROM json_to_recordset(p_parts -> 'emit')
        AS x(unit integer, shape integer, version bigint, slot integer, at bigint, run text, foreign_id text, traceparent text)
      WHERE x.unit <> ALL (v_failed)
    ) AS e;
  END IF;
  IF p_channel IS NOT NULL AND cardinality(v_bases) > 0 THEN PERFORM pg_notify(p_channel, p_origin::text); END IF;
  RETURN array_to_string(v_bases, ',') || ';' || array_to_string(v_failed, ',') || ';' || array_to_string(v_why, ',') || ';'
    || coalesce(array_to_string(v_seqs, ',', ''), '');
END
$body$;
`
