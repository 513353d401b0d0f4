import type { ExportedEntry } from './fields.ts'
import type { ExportedRun } from './exported-run.ts'

/** How an event log is written: pieces of text that, one after the other, are the whole of it. */
export interface Format {
  readonly contentType: string
  readonly head: string
  readonly run: (run: ExportedRun) => RunText
  readonly tail: string
}

/** The pieces of one run. */
export interface RunText {
  readonly open: string
  readonly entry: (entry: ExportedEntry) => string
  readonly close: string
}
