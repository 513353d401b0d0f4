/**
 * What every adapter must be able to store, and `assertUnit` lets through at most. Lengths in UTF-16 code units, so
 * that no database's key length is exceeded by a text that another one takes.
 */
export const limits = {
  /** Workflow names, statuses, foreign ids, run ids. At least 1. */
  nameLength: 255,
  /** Unit ids, item ids, streams, timer owners and names, process and instance names, joins, actors, codecs, subjects, topics, metadata keys. */
  idLength: 1_024,
  /** Values of metadata. May be empty. */
  metadataValueLength: 4_096,
  /** Pairs of metadata. */
  metadataPairs: 100,
  /** Bytes of one payload. May be none. */
  payloadBytes: 16_777_216,
  /** Parts of a unit: changes, items, consumes, timer operations, notes and events together. */
  unitParts: 10_000,
  /** Slots are numbered from 0 to one less than this. */
  slots: 65_536,
} as const
