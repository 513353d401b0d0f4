/** Which runs a request is about: from the parameters of its URL, or from a body. */
import type { CountQuery, ListQuery } from '@workflow/core'
import {
  array,
  type InferOutput,
  integer,
  maxLength,
  maxValue,
  minValue,
  number,
  optional,
  picklist,
  pipe,
  strictObject,
  string,
} from 'valibot'
import { type RunFilterJson, runFilterJson } from '../api/request-json.ts'
import { ApiError } from './api-error.ts'
import { checked } from './request-body.ts'

/** Parameters of pages. */
const page = {
  cursor: optional(pipe(string(), maxLength(4_096))),
  limit: optional(pipe(number(), integer(), minValue(1), maxValue(1_000))),
}
export const pageQuery = strictObject(page)
export const historyQuery = strictObject({ ...page, objects: optional(picklist(['true', 'false'])) })
export const runsQuery = strictObject({ ...runFilterJson.entries, ...page, order: optional(picklist(['newest', 'oldest'])) })
export const moveQuery = strictObject({ to: string() })
export const changesQuery = strictObject({ workflow: optional(pipe(array(string()), maxLength(1_000))) })
export const noQuery = strictObject({})

/** `metadata.city=Rome` is a pair of the metadata; these may be repeated. */
const repeated: ReadonlySet<string> = new Set(['status', 'state', 'workflow'])
const pairPrefix = 'metadata.'

/** The parameters as one value, for a schema to check: numbers and lists as such. */
function parametersOf(url: URL): Readonly<Record<string, unknown>> {
  const single = new Map<string, unknown>()
  const many = new Map<string, string[]>()
  const pairs = new Map<string, string>()
  for (const [name, value] of url.searchParams) {
    if (repeated.has(name)) {
      const values = many.get(name)
      if (values === undefined) many.set(name, [value])
      else values.push(value)
    } else if (name.startsWith(pairPrefix) ? pairs.has(name.slice(pairPrefix.length)) : single.has(name))
      throw new ApiError('InvalidArgument', `the parameter '${name.slice(0, 60)}' is given twice`)
    else if (name.startsWith(pairPrefix)) pairs.set(name.slice(pairPrefix.length), value)
    else single.set(name, name === 'limit' ? Number(value) : value)
  }
  const metadata = pairs.size === 0 ? {} : { metadata: Object.fromEntries(pairs) }
  return { ...Object.fromEntries(single), ...Object.fromEntries(many), ...metadata }
}

/** The query of a list. Throws `InvalidArgument`. */
export function listQueryOf(query: InferOutput<typeof runsQuery>, limitMax: number): ListQuery & { readonly limit: number } {
  const { order, cursor, limit, ...filter } = query
  return {
    ...countQueryOf(filter),
    ...(order === undefined ? undefined : { order }),
    ...pageOf({ cursor, limit }, limitMax),
  }
}

/** What a page is at most, and where it begins. */
export function pageOf(
  { cursor, limit = 100 }: InferOutput<typeof pageQuery>,
  limitMax: number,
): { readonly limit: number; readonly cursor?: string } {
  return { limit: Math.min(limit, limitMax), ...(cursor === undefined ? undefined : { cursor }) }
}

/** The filter in core's words. Throws `InvalidArgument` for a text that is no time. */
export function countQueryOf(filter: RunFilterJson): CountQuery {
  const { status, state, foreignId, metadata, parentRunId } = filter
  return {
    ...(status === undefined ? undefined : { status }),
    ...(state === undefined ? undefined : { state }),
    ...(foreignId === undefined ? undefined : { foreignId }),
    ...(metadata === undefined ? undefined : { metadata }),
    ...(parentRunId === undefined ? undefined : { parentRunId }),
    ...dateOf('createdAfter', filter.createdAfter),
    ...dateOf('createdBefore', filter.createdBefore),
    ...dateOf('updatedBefore', filter.updatedBefore),
  }
}

/** The parameters of a URL, checked. Throws `InvalidArgument`. */
export function queryOf<T>(url: URL, schema: Parameters<typeof checked<T>>[1]): T {
  return checked(parametersOf(url), schema, 'the query')
}

function dateOf<K extends string>(name: K, text: string | undefined): { readonly [N in K]?: Date } | undefined {
  if (text === undefined) return undefined
  const date = new Date(text)
  if (Number.isNaN(date.getTime()) || !/^\d{4}-\d{2}-\d{2}(T|$)/.test(text))
    throw new ApiError('InvalidArgument', `${name} must be a time in ISO 8601, like 2026-01-31T12:00:00Z; got ${JSON.stringify(text)}`)
  // The cast holds because the key is the one name that there is.
  return { [name]: date } as { readonly [N in K]: Date }
}
