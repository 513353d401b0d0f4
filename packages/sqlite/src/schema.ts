/**
 * The tables, and how they came to be.
 *
 * One append-only table, `event`, is history, stream and outbox at once: a transition writes one row there and one in
 * `record`. Its id is given in the order of the commits, because SQLite has one writer at a time: so a cursor is an id.
 */

/** The schema version that this code reads and writes. */
export const schemaVersion = 1

/** Validates nothing: `prefix` was checked when the options were read. Names in braces are tables and indexes of ours. */
export function withPrefix(sql: string, prefix: string): string {
  return sql.replace(/\{(\w+)\}/g, (_, name: string) => `"${prefix}${name}"`)
}

/**
 * The statements that lead from each schema version to the next; the first creates everything. Once released, an entry
 * never changes.
 */
export const migrations: readonly string[] = [
  `
CREATE TABLE {record} (
  seq INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL,
  workflow TEXT NOT NULL,
  foreign_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  status TEXT NOT NULL,
  state TEXT NOT NULL,
  ended INTEGER NOT NULL,
  open INTEGER NOT NULL,
  entered_version INTEGER NOT NULL,
  entered_at INTEGER NOT NULL,
  repeat INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  finished_at INTEGER,
  writer TEXT NOT NULL,
  metadata TEXT,
  parent_workflow TEXT,
  parent_run TEXT,
  parent_join TEXT,
  traceparent TEXT,
  pause TEXT,
  attempts TEXT,
  object_codec TEXT NOT NULL,
  object BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX {record_run} ON {record} (run_id);
-- "ended" is 0 while the run is unfinished and its seq afterwards: one index keeps the unfinished run of a foreign id
-- unique, finds it, and else finds the newest one.
CREATE UNIQUE INDEX {record_foreign} ON {record} (workflow, foreign_id, ended);
CREATE INDEX {record_parent} ON {record} (parent_run, parent_join, ended) WHERE parent_run IS NOT NULL;
-- What the engine still has to do with: the unfinished runs, and those whose data is to be deleted. Few beside the others.
CREATE INDEX {record_open} ON {record} (seq) WHERE open = 1;
CREATE INDEX {record_finished} ON {record} (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE {event} (
  id INTEGER PRIMARY KEY,
  run INTEGER,
  version INTEGER NOT NULL,
  topic_set INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  at INTEGER NOT NULL,
  event TEXT NOT NULL,
  unit TEXT,
  entry TEXT,
  object_codec TEXT,
  object BLOB,
  reason_codec TEXT,
  reason BLOB,
  error_codec TEXT,
  error BLOB
) STRICT;
CREATE INDEX {event_run} ON {event} (run, version) WHERE run IS NOT NULL;
-- Events of runs that are not in this database are kept until everybody has acknowledged them.
CREATE INDEX {event_loose} ON {event} (id) WHERE run IS NULL;

CREATE TABLE {topic_set} (id INTEGER PRIMARY KEY, topics TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE {item} (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL,
  stream TEXT NOT NULL,
  item_id TEXT NOT NULL,
  consumed INTEGER NOT NULL,
  pos INTEGER NOT NULL,
  body_codec TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX {item_key} ON {item} (run_id, stream, item_id);
CREATE UNIQUE INDEX {item_pos} ON {item} (run_id, stream, consumed, pos);

-- The latest units that changed no record; the others are known by the "unit" of their events.
CREATE TABLE {unit} (seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, id TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX {unit_key} ON {unit} (owner, id);

CREATE TABLE {timer} (
  id INTEGER PRIMARY KEY,
  owner TEXT NOT NULL,
  kind TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  name TEXT NOT NULL,
  workflow TEXT NOT NULL,
  slot INTEGER NOT NULL,
  at INTEGER NOT NULL,
  held INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  status TEXT NOT NULL,
  data_codec TEXT,
  data BLOB
) STRICT;
CREATE UNIQUE INDEX {timer_key} ON {timer} (owner, kind, epoch, name);
CREATE INDEX {timer_due} ON {timer} (workflow, slot, at, id) WHERE status = 'open' AND held = 0;

CREATE TABLE {stream} (workflow TEXT PRIMARY KEY, slots INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE {topic} (topic TEXT PRIMARY KEY, workflow TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE {receiver} (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, workflow TEXT NOT NULL) STRICT;
CREATE TABLE {receiver_topic} (receiver INTEGER NOT NULL, topic TEXT NOT NULL, start INTEGER NOT NULL, PRIMARY KEY (receiver, topic)) STRICT, WITHOUT ROWID;
-- Everything up to "position" is acknowledged, but for the topics in "lanes": {topic: [position, acknowledged after it...]}.
CREATE TABLE {cursor} (
  receiver INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  role TEXT NOT NULL,
  domain TEXT NOT NULL,
  token TEXT NOT NULL,
  position INTEGER NOT NULL,
  lanes TEXT NOT NULL,
  PRIMARY KEY (receiver, slot)
) STRICT, WITHOUT ROWID;

CREATE TABLE {instance} (id TEXT PRIMARY KEY, name TEXT NOT NULL, expires_at INTEGER NOT NULL, lease_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE {candidate} (role TEXT NOT NULL, instance TEXT NOT NULL, generation INTEGER NOT NULL, PRIMARY KEY (role, instance)) STRICT, WITHOUT ROWID;
CREATE TABLE {role} (
  role TEXT PRIMARY KEY,
  token INTEGER NOT NULL,
  instance TEXT,
  generation INTEGER NOT NULL,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIEW {outbox} AS
  SELECT id, slot, topics, json_object(
    'v', 1, 'kind', event ->> 0, 'workflowName', event ->> 1, 'foreignId', event ->> 2, 'runId', event ->> 3,
    'version', version, 'previousStatus', event ->> 4, 'status', event ->> 5, 'states', json(event -> 6),
    'topics', json(topics), 'slot', slot, 'at', strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch'), 'traceparent', event ->> 7
  ) AS event
  FROM {event} JOIN (SELECT id AS set_id, topics FROM {topic_set}) ON set_id = topic_set;
`,
]

/** The statement that makes the table of the schema's own version, domain and counters. Runs before any migration. */
export const metaSql = 'CREATE TABLE IF NOT EXISTS {meta} (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID'
