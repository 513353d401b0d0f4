/**
 * The tables, and how they came to be.
 *
 * One append-only table, `event`, is history, stream and outbox at once: a transition writes one row there and one in
 * `record`. An event's id is `batch * 4096 + n`. Batches are numbered by a sequence, so that numbers can become visible
 * out of order: the log of a process keeps track of the gaps.
 *
 * `record` is written at every transition, so nothing that changes there is indexed but what changes once in a life, at
 * its end: then Postgres changes rows in place (HOT), as long as a page has room. Runs that were created together move on
 * together, so that each page needs room for all of its rows once more: half of it.
 */
import { changeType } from './change-type.ts'
import { commitFunction } from './commit-function.ts'
import { readFunctions } from './read-functions.ts'

/** The schema version that this code reads and writes. */
export const schemaVersion = 1

/** Validates nothing: `schema` was checked when the options were read. Names in braces are tables and functions of ours. */
export function withSchema(sql: string, schema: string): string {
  return sql.replace(/\{(\w+)\}/g, (_, name: string) => `"${schema}"."${name}"`)
}

/**
 * The statements that lead from each schema version to the next; the first creates everything. Once released, an entry
 * never changes.
 */
export const migrations: readonly string[] = [
  `
CREATE SEQUENCE {record_seq};
CREATE TABLE {record} (
  seq bigint PRIMARY KEY,
  run_id text COLLATE "C" NOT NULL,
  workflow text COLLATE "C" NOT NULL,
  foreign_id text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  status text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  ended bigint NOT NULL,
  open boolean NOT NULL,
  entered_version bigint NOT NULL,
  entered_at bigint NOT NULL,
  repeat bigint NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  finished_at bigint,
  writer text NOT NULL,
  metadata jsonb,
  parent_workflow text,
  parent_run text COLLATE "C",
  parent_join text COLLATE "C",
  traceparent text,
  pause text,
  attempts jsonb,
  object_codec text NOT NULL,
  object bytea NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1);
CREATE UNIQUE INDEX record_run ON {record} (run_id);
-- "ended" is 0 while the run is unfinished and its seq afterwards: one index keeps the unfinished run of a foreign id
-- unique, finds it, and else finds the newest one.
CREATE UNIQUE INDEX record_foreign ON {record} (workflow, foreign_id, ended);
CREATE INDEX record_parent ON {record} (parent_run, ended) WHERE parent_run IS NOT NULL;
-- What the engine still has to do with: the unfinished runs, and those whose data is to be deleted. Few beside the others.
CREATE INDEX record_open ON {record} (seq) WHERE open;
CREATE INDEX record_finished ON {record} (finished_at) WHERE finished_at IS NOT NULL;

-- What events have in common: few, because there are only so many ways through a graph.
CREATE TABLE {shape} (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key uuid NOT NULL UNIQUE,
  kind text NOT NULL,
  workflow text COLLATE "C" NOT NULL,
  previous_status text COLLATE "C",
  status text COLLATE "C" NOT NULL,
  states text NOT NULL,
  topics text NOT NULL
);

CREATE SEQUENCE {batch};
-- Each life of each process has a number, by which it knows its own events.
CREATE SEQUENCE {origin} AS integer;
CREATE TABLE {event} (
  id bigint PRIMARY KEY,
  run bigint,
  version bigint NOT NULL,
  at bigint NOT NULL,
  origin integer NOT NULL,
  shape integer NOT NULL,
  slot integer NOT NULL,
  run_id text NOT NULL,
  foreign_id text NOT NULL,
  traceparent text,
  unit text,
  entry text,
  object_codec text,
  object bytea,
  reason_codec text,
  reason bytea,
  error_codec text,
  error bytea
) WITH (autovacuum_vacuum_insert_scale_factor = 0.4);
CREATE INDEX event_run ON {event} (run, version) WHERE run IS NOT NULL;
-- What is no history is deleted once everybody has acknowledged it.
CREATE INDEX event_loose ON {event} (id) WHERE entry IS NULL;

CREATE TABLE {item} (
  pos bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key uuid NOT NULL UNIQUE,
  run_id text COLLATE "C" NOT NULL,
  stream text COLLATE "C" NOT NULL,
  item_id text COLLATE "C" NOT NULL,
  consumed boolean NOT NULL DEFAULT false,
  body_codec text NOT NULL,
  body bytea NOT NULL
);
CREATE INDEX item_run ON {item} (run_id, consumed, pos);

-- Units of late that changed no record; the others are known by the "unit" of their events.
CREATE TABLE {unit} (key uuid PRIMARY KEY, owner text COLLATE "C" NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX unit_at ON {unit} USING brin (at);
CREATE INDEX unit_owner ON {unit} USING hash (owner);

CREATE TABLE {timer} (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key uuid NOT NULL UNIQUE,
  owner_key uuid NOT NULL,
  owner text NOT NULL,
  kind text NOT NULL,
  epoch bigint NOT NULL,
  name text NOT NULL,
  workflow text COLLATE "C" NOT NULL,
  slot integer NOT NULL,
  at bigint NOT NULL,
  held boolean NOT NULL,
  attempt bigint NOT NULL,
  status text NOT NULL DEFAULT 'open',
  data_codec text,
  data bytea
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX timer_owner ON {timer} (owner_key, id);
CREATE INDEX timer_due ON {timer} (workflow, slot, at, id) WHERE status = 'open' AND NOT held;

CREATE TABLE {stream} (workflow text COLLATE "C" PRIMARY KEY, slots integer NOT NULL);
CREATE TABLE {topic} (topic text COLLATE "C" PRIMARY KEY, workflow text COLLATE "C" NOT NULL);
CREATE TABLE {receiver} (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  workflow text COLLATE "C" NOT NULL
);
-- Where a receiver begins in a topic: after "start", but with the batches in "holes", which were open when it was made.
CREATE TABLE {receiver_topic} (
  receiver integer NOT NULL,
  topic text COLLATE "C" NOT NULL,
  start bigint NOT NULL,
  holes bigint[] NOT NULL,
  PRIMARY KEY (receiver, topic)
);
-- Everything up to "position" is acknowledged, but for the batches in "holes" and what "lanes" says of its topic:
-- {topic: [position, not acknowledged before it...]}.
CREATE TABLE {cursor} (
  receiver integer NOT NULL,
  slot integer NOT NULL,
  epoch bigint NOT NULL,
  role text NOT NULL,
  domain text NOT NULL,
  token numeric NOT NULL,
  position bigint NOT NULL,
  holes bigint[] NOT NULL,
  lanes text NOT NULL,
  PRIMARY KEY (receiver, slot)
) WITH (fillfactor = 30, autovacuum_vacuum_threshold = 500);

CREATE TABLE {instance} (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  expires_at timestamptz NOT NULL
) WITH (fillfactor = 30);
CREATE TABLE {candidate} (
  role text COLLATE "C" NOT NULL,
  instance uuid NOT NULL,
  generation bigint NOT NULL,
  PRIMARY KEY (role, instance)
);
CREATE TABLE {role} (
  role text COLLATE "C" PRIMARY KEY,
  token bigint NOT NULL,
  instance uuid,
  generation bigint NOT NULL,
  since timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX role_instance ON {role} (instance);

CREATE VIEW {outbox} AS
  SELECT e.id, e.slot, s.topics::json AS topics, json_build_object(
    'v', 1, 'kind', s.kind, 'workflowName', s.workflow, 'foreignId', e.foreign_id, 'runId', e.run_id, 'version', e.version,
    'previousStatus', s.previous_status, 'status', s.status, 'states', s.states::json, 'topics', s.topics::json, 'slot', e.slot,
    'at', to_char(to_timestamp(e.at / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'traceparent', e.traceparent
  ) AS event
  FROM {event} e JOIN {shape} s ON s.id = e.shape;
${changeType}
${commitFunction}
${readFunctions}
`,
]

/** The statements that make the schema, and the table of its own version, domain and counters. They run before any migration. */
export const metaSql = `CREATE TABLE IF NOT EXISTS {meta} (key text PRIMARY KEY, value text NOT NULL)`
