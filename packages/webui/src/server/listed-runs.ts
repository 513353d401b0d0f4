/** Pages of runs as the server lists them: what `redact` hides cannot be looked for, and no page takes long. */
import type { AnySnapshot, ListQuery, ResultPage } from '@workflow/core'
import type { Clock } from '@workflow/core/adapter'
import { ApiError } from './api-error.ts'
import type { WatchedWorkflow } from './watched-workflow.ts'

/** A page that few runs match is given as far as it has come by then: its cursor says where to go on. */
const pageMs = 15

/**
 * Up to `limit` runs. A page with a cursor may have fewer, or none: the store was looked through for a while, and there is more
 * to look at. Throws `Forbidden` for metadata that `redact` would hide.
 */
export async function listedRuns(
  workflow: WatchedWorkflow,
  query: ListQuery & { readonly limit: number },
  clock: Clock,
): Promise<ResultPage<AnySnapshot>> {
  const { metadata } = query
  if (metadata !== undefined && !workflow.redaction.mayAsk(metadata, workflow.name))
    throw new ApiError('Forbidden', 'runs cannot be looked for by metadata that redact hides')
  const until = clock.monotonic() + pageMs
  const items: AnySnapshot[] = []
  let cursor = query.cursor
  do {
    const rest = { ...query, limit: query.limit - items.length, ...(cursor === undefined ? undefined : { cursor }) }
    const page = await workflow.ask((it) => it.list(rest))
    for (const run of page.items) if (metadata === undefined || workflow.redaction.shows(metadata, run.metadata, run)) items.push(run)
    cursor = page.cursor
  } while (cursor !== undefined && items.length < query.limit && clock.monotonic() < until)
  return { items, ...(cursor === undefined ? undefined : { cursor }) }
}
