/** What callers say of which runs and which page they want, checked. */
import type { EngineContext } from './engine/engine-context.ts'
import { assertForeignId, assertMetadata, assertRunId, assertStatus } from './engine/trigger.ts'
import { InvalidArgument } from './errors.ts'
import type { RunQuery } from './model/run-query.ts'
import { runStates } from './model/run-state.ts'
import { shown } from './model/option-check.ts'
import type { ListQuery } from './workflow-client.ts'

const limitDefault = 100
const limitMax = 1_000

/** The store's query for a list or a count. Throws `InvalidArgument`. */
export function runQueryOf(ctx: EngineContext, query: ListQuery): RunQuery {
  const states = listOf('state', query.state)
  for (const state of states ?? [])
    if (!runStates.includes(state)) throw new InvalidArgument(`there is no run state ${shown(state)}: it is one of ${runStates.join(', ')}`)
  const status = listOf('status', query.status)
  for (const one of status ?? []) assertStatus(ctx, one)
  if (query.foreignId !== undefined) assertForeignId(ctx, query.foreignId)
  if (query.parentRunId !== undefined) assertRunId(ctx, query.parentRunId)
  assertMetadata(ctx, query.metadata)
  if (query.order !== undefined && query.order !== 'oldest' && query.order !== 'newest')
    throw new InvalidArgument(`order must be 'oldest' or 'newest'; got ${shown(query.order)}`)
  return {
    workflowName: ctx.contract.name,
    order: query.order ?? 'newest',
    ...(status === undefined ? undefined : { status }),
    ...(states === undefined ? undefined : { runState: states }),
    ...(query.foreignId === undefined ? undefined : { foreignId: query.foreignId }),
    ...(query.metadata === undefined ? undefined : { metadata: query.metadata }),
    ...(query.parentRunId === undefined ? undefined : { parent: { runId: query.parentRunId } }),
    ...dated('createdAfter', query.createdAfter),
    ...dated('createdBefore', query.createdBefore),
    ...dated('updatedBefore', query.updatedBefore),
  }
}

/** Throws `InvalidArgument` for a limit or a cursor that cannot be. */
export function pageOf(query: { readonly cursor?: string; readonly limit?: number }): { readonly limit: number; readonly after?: string } {
  const { cursor, limit = limitDefault } = query
  if (!Number.isInteger(limit) || limit < 1 || limit > limitMax)
    throw new InvalidArgument(`limit must be a whole number from 1 to ${limitMax}; got ${shown(limit)}`)
  if (cursor !== undefined && typeof cursor !== 'string')
    throw new InvalidArgument(`a cursor is the one of the page before; got ${shown(cursor)}`)
  return { limit, ...(cursor === undefined ? undefined : { after: cursor }) }
}

function dated<K extends string>(name: K, given: Date | undefined): { readonly [N in K]?: Date } | undefined {
  if (given === undefined) return undefined
  if (!(given instanceof Date) || Number.isNaN(given.getTime()))
    throw new InvalidArgument(`${name} must be a valid Date; got ${shown(given)}`)
  // The cast holds because the key is the one name that there is.
  return { [name]: given } as { readonly [N in K]: Date }
}

/** One or several, as a list. */
function listOf<T extends string>(name: string, given: T | readonly T[] | undefined): readonly T[] | undefined {
  if (given === undefined || typeof given === 'string') return given === undefined ? undefined : [given]
  if (Array.isArray(given)) return given
  throw new InvalidArgument(`${name} must be a text or a list of texts; got ${shown(given)}`)
}
