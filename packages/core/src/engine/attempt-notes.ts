import type { AttemptNote } from '../model/attempt-note.ts'
import type { RunRecord } from '../model/run-record.ts'

/** How many attempts have failed so far. */
export function failuresOf(note: AttemptNote | undefined): number {
  return note?.kind === 'failed' ? note.attempt : 0
}

/** The note of a process about the version in hand. */
export function noteOf(record: RunRecord, process: string): AttemptNote | undefined {
  if (record.attempts === undefined) return undefined
  return record.attempts.find((note) => note.process === process && note.version === record.version)
}
