/** Reads a part of a history. One object that cannot be read must not hide the entries around it, so these are then read one by one. */
import { isWorkflowError } from '../errors.ts'
import type { ObjectProblem, ReadEntry } from './exported-run.ts'
import type { ExportSource } from './export-options.ts'

/** A part of a run's history, in the order of versions. */
export interface HistoryPage {
  readonly entries: readonly ReadEntry[]
  /** Where the next part begins; absent after the last one. */
  readonly cursor?: string
  /** What has kept the entry after these, and with it the rest, from being read. */
  readonly unreadable?: { readonly error: unknown }
}

/** Which part, and whether with objects. */
export interface PageQuery {
  readonly runId: string
  readonly objects: boolean
  readonly cursor: string | undefined
}

/** Entries are small without their objects; an object may take a mebibyte. */
const pageSize = 200
const pageSizeWithObjects = 25

/** Errors of what is stored, as opposed to those of the way there. */
const valueCodes: readonly string[] = ['StoreCorrupt', 'StoredByNewer', 'Validation', 'Shredded', 'NotSerializable']

/** Rejects with what keeps the store from being read at all. */
export async function readHistoryPage(source: ExportSource, query: PageQuery): Promise<HistoryPage> {
  const limit = query.objects ? pageSizeWithObjects : pageSize
  try {
    const { items, cursor } = await source.history(query.runId, { objects: query.objects, limit, ...from(query.cursor) })
    return { entries: items.map((entry) => ({ entry })), ...from(cursor) }
  } catch (error) {
    if (!isAboutValue(error)) throw error
    return await readOneByOne(source, query, limit)
  }
}

async function readOneByOne(source: ExportSource, query: PageQuery, limit: number): Promise<HistoryPage> {
  const entries: ReadEntry[] = []
  let { cursor } = query
  while (entries.length < limit) {
    const one = await readOne(source, { ...query, cursor })
    if ('error' in one) return { entries, unreadable: one }
    entries.push(...one.entries)
    cursor = one.cursor
    if (cursor === undefined) return { entries }
  }
  return { entries, ...from(cursor) }
}

async function readOne(source: ExportSource, { runId, objects, cursor }: PageQuery): Promise<HistoryPage | { readonly error: unknown }> {
  const asked = { limit: 1, ...from(cursor) }
  let objectProblem: ObjectProblem | undefined
  for (const withObject of objects ? [true, false] : [false]) {
    try {
      const page = await source.history(runId, { ...asked, objects: withObject })
      const entries = page.items.map((entry) => ({ entry, ...(objectProblem === undefined ? undefined : { objectProblem }) }))
      return { entries, ...from(page.cursor) }
    } catch (error) {
      if (!isAboutValue(error)) throw error
      if (withObject) objectProblem = { code: isWorkflowError(error) ? error.code : 'Error', error }
      else return { error }
    }
  }
  return { entries: [] }
}

/** What a user's schema or `upcast` throws has no code, and is about a value as well. */
function isAboutValue(error: unknown): boolean {
  return !isWorkflowError(error) || valueCodes.includes(error.code)
}

function from(cursor: string | undefined): { readonly cursor?: string } {
  return cursor === undefined ? {} : { cursor }
}
