/** The histories of a workflow's runs as an event log, for tools of process mining and for spreadsheets. */
import { isWorkflowError, WorkflowError } from '../errors.ts'
import { csvFormat } from './csv-format.ts'
import { type CheckedExportOptions, checkedExport, type ExportOptions, type ExportSource } from './export-options.ts'
import type { ExportProgress } from './exported-run.ts'
import type { Format } from './format.ts'
import { heed } from './heed.ts'
import { readRuns } from './run-reading.ts'
import { textOfRun } from './run-text.ts'
import { xesFormat } from './xes-format.ts'

/** An event log that is made while it is taken. Each iteration, and each `stream()`, is an export of its own from the start. */
export interface HistoryExport extends AsyncIterable<string> {
  /** For the header of an answer over HTTP. */
  readonly contentType: string
  /** The same as bytes in UTF-8, e.g. for `new Response(log.stream())` or `Readable.fromWeb`. Reads nothing before it is read. */
  stream(): ReadableStream<Uint8Array>
}

/** A chunk is given once it has so many characters: few enough to keep, enough to be worth a write. */
const chunkLength = 32_768

/**
 * Streams the histories of runs, one row (`csv`) or event (`xes`) per entry, runs in the order of `query` and entries in that
 * of their versions. Each run is exported as it was when it was listed. Reads only while it is taken, ahead by `concurrency`
 * histories and a page of the list, so memory does not grow with the number of runs. Objects, reasons and errors of runs
 * whose data is deleted, or to be deleted, are not exported.
 *
 * Throws `InvalidArgument` for options that cannot be. While it is taken it rejects with `signal.reason`, or with the code of
 * what went wrong, e.g. `StoreUnavailable`: then `details` has the number of `runs` and `entries` given so far, and what was
 * given is not a whole log. No run is changed.
 */
export function exportHistory(workflow: ExportSource, options: ExportOptions): HistoryExport {
  const checked = checkedExport(workflow, options)
  const format = checked.format === 'csv' ? csvFormat(checked.objects) : xesFormat(workflow.contract.name, checked.objects)
  const chunks = (): AsyncGenerator<string, void, undefined> => chunksOf(workflow, checked, format)
  return Object.freeze({
    contentType: format.contentType,
    stream: () => byteStream(chunks()),
    [Symbol.asyncIterator]: chunks,
  })
}

async function* chunksOf(source: ExportSource, options: CheckedExportOptions, format: Format): AsyncGenerator<string, void, undefined> {
  const done = { runs: 0, entries: 0 }
  const given = (text: string): string => {
    options.onProgress?.({ ...done })
    return text
  }
  let text = format.head
  let at: string | undefined
  try {
    const readings = readRuns(source, options)
    for (;;) {
      const { value: reading } = await heed(options.signal, () => readings.next())
      if (reading === undefined) break
      at = reading.run.runId
      let isThere = false
      for await (const piece of textOfRun(reading, format, options)) {
        isThere = true
        text += piece.text
        done.entries += piece.entries
        if (text.length < chunkLength) continue
        yield given(text)
        text = ''
      }
      if (isThere) done.runs += 1
    }
    text += format.tail
  } catch (error) {
    if (options.signal?.aborted === true && error === options.signal.reason) throw error
    // What is complete leaves before the error tells how much that is.
    if (text !== '') yield given(text)
    throw failure(error, source.contract.name, done, at)
  }
  yield given(text)
}

/** The same error, which also says how far the export was. What is none of ours stays what it is. */
function failure(error: unknown, workflowName: string, { runs, entries }: ExportProgress, runId: string | undefined): unknown {
  if (!isWorkflowError(error)) return error
  const where = runId === undefined ? 'before the first run' : `at or soon after run ${runId}`
  const advice = error.retryable ? ': once that is over, export again' : ''
  return new WorkflowError(
    error.code,
    `the export of workflow '${workflowName}' ended ${where}, with ${runs} runs (${entries} entries) written: ${error.message}. What was written is not a whole log${advice}`,
    { cause: error, details: { ...error.details, runs, entries }, retryable: error.retryable },
  )
}

function byteStream(chunks: AsyncGenerator<string, void, undefined>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { value, done } = await chunks.next()
        if (done === true) controller.close()
        else controller.enqueue(encoder.encode(value))
      },
      cancel: async () => {
        await chunks.return()
      },
    },
    { highWaterMark: 0 },
  )
}
