/** The filter of a list of runs, as it stands in the page's URL: what can be seen can be sent to somebody else. */
import type { RunFilterJson } from '../../src/api/request-json.ts'
import type { RunJson } from '../../src/api/run-json.ts'

export type RunState = RunJson['state']
/** In the order of a run's life. A state that is missing here does not compile. */
const lifeOf: Readonly<Record<RunState, number>> = {
  Initiated: 0,
  Running: 1,
  Paused: 2,
  Completed: 3,
  Cancelled: 4,
  RequestedDataDeleted: 5,
  DataDeleted: 6,
}
// The keys of a record are its names.
export const runStates: readonly RunState[] = Object.keys(lifeOf) as RunState[]

/** As the API takes it; texts of times are kept as they were typed. */
export interface RunQuery extends RunFilterJson {
  /** By creation. @default 'newest' */
  readonly order?: 'newest' | 'oldest'
}

const repeated = ['status', 'state'] as const
const single = ['foreignId', 'parentRunId', 'createdAfter', 'createdBefore', 'updatedBefore'] as const
const pairPrefix = 'metadata.'

/** Of the page's URL. What is not known is left out, so that an old link still shows something. */
export function runQueryOf(parameters: URLSearchParams): RunQuery {
  const query: { -readonly [Name in keyof RunQuery]: RunQuery[Name] } = {}
  const status = parameters.getAll('status').filter((one) => one !== '')
  const state = parameters.getAll('state').flatMap((one) => runStates.find((known) => known === one) ?? [])
  if (status.length > 0) query.status = status
  if (state.length > 0) query.state = state
  for (const name of single) {
    const value = parameters.get(name)?.trim()
    if (value !== undefined && value !== '') query[name] = value
  }
  const pairs = [...parameters].filter(([name, value]) => name.startsWith(pairPrefix) && name !== pairPrefix && value !== '')
  if (pairs.length > 0) query.metadata = Object.fromEntries(pairs.map(([name, value]) => [name.slice(pairPrefix.length), value]))
  if (parameters.get('order') === 'oldest') query.order = 'oldest'
  return query
}

/** Of the page and of the API alike; always in the same order, so that equal filters are equal texts. */
export function runParameters(query: RunQuery): URLSearchParams {
  const parameters = new URLSearchParams()
  for (const name of repeated) for (const value of query[name] ?? []) parameters.append(name, value)
  for (const name of single) {
    const value = query[name]
    if (value !== undefined && value !== '') parameters.set(name, value)
  }
  for (const [key, value] of Object.entries(query.metadata ?? {}).sort(byKey)) parameters.set(`${pairPrefix}${key}`, value)
  if (query.order === 'oldest') parameters.set('order', 'oldest')
  return parameters
}

function byKey([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1
}

/** What a bulk action is given: the filter without the order. */
export function filterOf(query: RunQuery): RunFilterJson {
  const { order, ...filter } = query
  return order === undefined ? query : filter
}

/** Metadata as one line of text, `key=value` apart by spaces, and back. A key or value with a space stands in quotes. */
export function metadataText(metadata: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(metadata ?? {})
    .map(([key, value]) => (/[\s"]/.test(key + value) ? JSON.stringify(`${key}=${value}`) : `${key}=${value}`))
    .join(' ')
}

export function metadataOf(text: string): Readonly<Record<string, string>> | undefined {
  const pairs = [...text.matchAll(/"(?:[^"\\]|\\.)*"|\S+/g)].flatMap(([part]) => {
    const plain = unquoted(part)
    const at = plain.indexOf('=')
    return at > 0 && at < plain.length - 1 ? [[plain.slice(0, at), plain.slice(at + 1)] as const] : []
  })
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs)
}

function unquoted(part: string): string {
  if (!part.startsWith('"')) return part
  try {
    return String(JSON.parse(part))
  } catch {
    return part
  }
}
