/** One run as text: read, checked for what has been deleted, redacted, written. */
import type { ErrorCode } from '../errors.ts'
import type { RunHistoryEntry } from '../run-history.ts'
import type { CheckedExportOptions } from './export-options.ts'
import type { ObjectProblem } from './exported-run.ts'
import type { ExportedEntry } from './fields.ts'
import type { Format, RunText } from './format.ts'
import { heed } from './heed.ts'
import { redactedEntry, redactedRun } from './redaction.ts'
import type { RunReading } from './run-reading.ts'
import { RunTrail } from './run-trail.ts'

/** A piece of a run, and how many entries are in it. */
export interface RunPiece {
  readonly text: string
  readonly entries: number
}

/** The pieces of a run, one for each part of its history; none where the run is gone before anything of it was read. */
export async function* textOfRun({ run, pages }: RunReading, format: Format, options: CheckedExportOptions): AsyncGenerator<RunPiece> {
  const trail = new RunTrail(run, options)
  const hides = Object.keys(options.redact).length > 0
  let text: RunText | undefined
  for (;;) {
    const { value: page } = await heed(options.signal, () => pages.next())
    if (page === undefined) break
    if (page === 'gone') {
      trail.gone()
      break
    }
    let piece = ''
    if (text === undefined) {
      text = format.run(hides ? await heed(options.signal, async () => await redactedRun(options.redact, run)) : run)
      piece = text.open
    }
    const entries = trail.checked(page.entries)
    for (const read of entries) {
      const entry = hides ? await heed(options.signal, async () => await redactedEntry(options.redact, read.entry, run)) : read.entry
      piece += text.entry(readyEntry(entry, read.objectProblem, trail))
    }
    yield { text: piece, entries: entries.length }
    if (page.unreadable !== undefined) trail.unreadable(page.unreadable.error)
    if (trail.isOver) break
  }
  trail.end()
  if (text !== undefined) yield { text: text.close, entries: 0 }
}

/** With its object as JSON, or with what kept it from being read or written. */
function readyEntry(entry: RunHistoryEntry, unread: ObjectProblem | undefined, trail: RunTrail): ExportedEntry {
  const object = unread ?? encoded(entry.object)
  if (typeof object !== 'object') return { entry, ...(object === undefined ? undefined : { object }) }
  trail.objectProblem(entry.version, object)
  return { entry, objectProblem: object.code }
}

/** A schema may have made of the stored value what JSON does not know: a bigint becomes its digits, sets and maps their entries. */
function encoded(object: unknown): string | ObjectProblem | undefined {
  if (object === undefined) return undefined
  try {
    return JSON.stringify(object, (_, value: unknown) => {
      if (typeof value === 'bigint') return String(value)
      return value instanceof Map || value instanceof Set ? [...value] : value
    })
  } catch (error) {
    return { code: 'NotSerializable' satisfies ErrorCode, error }
  }
}
