/**
 * Reads runs and their histories ahead of who takes them, and no further than asked: of the list one page, of the histories
 * the first page of as many runs as may be in hand, and of the run that is being taken the page after. So memory does not
 * grow with the number of runs, and nothing is read while nobody takes.
 */
import { isWorkflowError } from '../errors.ts'
import type { AnySnapshot } from '../run.ts'
import type { CheckedExportOptions, ExportSource } from './export-options.ts'
import type { ExportedRun } from './exported-run.ts'
import { ahead } from './heed.ts'
import { type HistoryPage, readHistoryPage } from './history-page.ts'

/** A run with its history, in parts. */
export interface RunReading {
  readonly run: ExportedRun
  /** The parts in order; `gone` where the run no longer exists, which may be after some of them. */
  readonly pages: AsyncGenerator<HistoryPage | 'gone', void, undefined>
}

/** Every run of the query, in its order. */
export async function* readRuns(source: ExportSource, options: CheckedExportOptions): AsyncGenerator<RunReading, void, undefined> {
  const runs = listRuns(source, options)
  const inHand: RunReading[] = []
  for (let more = true; ; ) {
    while (more && inHand.length < options.concurrency) {
      const { value: run } = await runs.next()
      if (run === undefined) more = false
      else inHand.push({ run, pages: readHistory(source, run, options) })
    }
    const next = inHand.shift()
    if (next === undefined) return
    yield next
  }
}

/** A page of the list without the objects: they have been read, and are not kept. */
interface RunPage {
  readonly runs: readonly ExportedRun[]
  readonly cursor: string | undefined
}

async function* listRuns(source: ExportSource, { query }: CheckedExportOptions): AsyncGenerator<ExportedRun, void, undefined> {
  const read = async (after: string | undefined): Promise<RunPage> => {
    const { items, cursor } = await source.list({ ...query, ...(after === undefined ? undefined : { cursor: after }) })
    return { runs: items.map(withoutObject), cursor }
  }
  for (let next: Promise<RunPage> | undefined = read(undefined); next !== undefined; ) {
    const { runs, cursor }: RunPage = await next
    next = cursor === undefined ? undefined : ahead(read(cursor))
    yield* runs
  }
}

function withoutObject(snapshot: AnySnapshot): ExportedRun {
  const { object: _, ...run } = snapshot
  return run
}

/** Begins to read at once, though nobody takes yet. */
function readHistory(source: ExportSource, { runId }: ExportedRun, { objects }: CheckedExportOptions): RunReading['pages'] {
  const read = (cursor: string | undefined): Promise<HistoryPage | 'gone'> => ahead(pageOrGone(source, { runId, objects, cursor }))
  return pagesFrom(read(undefined), read)
}

async function* pagesFrom(
  first: Promise<HistoryPage | 'gone'>,
  read: (cursor: string) => Promise<HistoryPage | 'gone'>,
): RunReading['pages'] {
  for (let next: typeof first | undefined = first; next !== undefined; ) {
    const page: HistoryPage | 'gone' = await next
    next = page === 'gone' || page.cursor === undefined ? undefined : read(page.cursor)
    yield page
  }
}

async function pageOrGone(...[source, query]: Parameters<typeof readHistoryPage>): Promise<HistoryPage | 'gone'> {
  try {
    return await readHistoryPage(source, query)
  } catch (error) {
    if (isWorkflowError(error, 'RunNotFound')) return 'gone'
    throw error
  }
}
