/** What an export is asked for. */
import { InvalidArgument } from '../errors.ts'
import { suggestion } from '../model/nearest.ts'
import { shown } from '../model/option-check.ts'
import type { AnyWorkflow, ListQuery } from '../workflow-client.ts'
import type { ExportProblem, ExportProgress } from './exported-run.ts'
import { type Redaction, redactionHooks } from './redaction.ts'

/** What an export asks of a workflow, or of a client. */
export type ExportSource = Pick<AnyWorkflow, 'contract' | 'list' | 'history'>

/** Which runs: as for `list`, of which an export reads every page. */
export type ExportQuery = Omit<ListQuery, 'cursor' | 'limit'>

/** How an event log is written. */
export type ExportFormat = 'csv' | 'xes'

/** What to export, how, and how hard to work on it. */
export interface ExportOptions {
  /** `csv`: RFC 4180, a row per entry, with a header. `xes`: IEEE 1849-2016, a trace per run. */
  readonly format: ExportFormat
  /**
   * With `order: 'newest'`, the default of `list`, runs that are started meanwhile are not exported; with `'oldest'` they are.
   * @default every run
   */
  readonly query?: ExportQuery
  /**
   * Whether entries carry the run's object as of their version, as JSON.
   * @default false
   */
  readonly objects?: boolean
  /** @default nothing is hidden */
  readonly redact?: Redaction
  /** Rejects with its reason when aborted. What was given until then is not a whole log. */
  readonly signal?: AbortSignal
  /**
   * How many histories are read at once, ahead of what is taken; 1 to 64.
   * @default 4
   */
  readonly concurrency?: number
  /**
   * Told of everything that could not be exported as it should be; what it throws ends the export. Without it a history that
   * cannot be read ends the export, and the others go by: of an object that cannot be read the entry says so.
   */
  readonly onProblem?: (problem: ExportProblem) => void
  /** Told how far the export is, before each chunk is given, and at the end. */
  readonly onProgress?: (progress: ExportProgress) => void
}

/** The options with their defaults. */
export interface CheckedExportOptions extends ExportOptions {
  readonly query: ExportQuery
  readonly objects: boolean
  readonly redact: Redaction
  readonly concurrency: number
}

const concurrencyDefault = 4
const concurrencyMax = 64

const known: readonly string[] = ['format', 'query', 'objects', 'redact', 'signal', 'concurrency', 'onProblem', 'onProgress']
const queryKeys: readonly string[] = ['status', 'state', 'foreignId', 'metadata', 'order']

/** Throws `InvalidArgument` for what cannot be asked. What a query's fields may be is checked by `list`. */
export function checkedExport(source: ExportSource, options: ExportOptions): CheckedExportOptions {
  assertSource(source)
  const where = `exportHistory() of workflow '${source.contract.name}'`
  assertObject(options, `${where}: the options`, known)
  const { format, query = {}, objects = false, redact = {}, signal, concurrency = concurrencyDefault, onProblem, onProgress } = options
  if (format !== 'csv' && format !== 'xes') throw new InvalidArgument(`${where}: format must be 'csv' or 'xes'; got ${shown(format)}`)
  assertObject(query, `${where}: query`, queryKeys)
  if (typeof objects !== 'boolean') throw new InvalidArgument(`${where}: objects must be true or false; got ${shown(objects)}`)
  assertObject(redact, `${where}: redact`, redactionHooks)
  if (!(Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= concurrencyMax))
    throw new InvalidArgument(`${where}: concurrency must be a whole number from 1 to ${concurrencyMax}; got ${shown(concurrency)}`)
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new InvalidArgument(`${where}: signal must be an AbortSignal; got ${shown(signal)}`)
  for (const [name, hook] of Object.entries({
    onProblem,
    onProgress,
    'redact.run': redact.run,
    'redact.object': redact.object,
    'redact.entry': redact.entry,
  }))
    if (hook !== undefined && typeof hook !== 'function')
      throw new InvalidArgument(`${where}: ${name} must be a function; got ${shown(hook)}`)
  return Object.freeze({
    format,
    query: Object.freeze({ ...query }),
    objects,
    redact: Object.freeze({ ...redact }),
    concurrency,
    ...(signal === undefined ? undefined : { signal }),
    ...(onProblem === undefined ? undefined : { onProblem }),
    ...(onProgress === undefined ? undefined : { onProgress }),
  })
}

function assertSource(source: unknown): asserts source is ExportSource {
  const given = typeof source === 'object' && source !== null ? (source as Partial<ExportSource>) : {}
  if (typeof given.contract?.name === 'string' && typeof given.list === 'function' && typeof given.history === 'function') return
  throw new InvalidArgument(
    `exportHistory() needs a workflow or a client, as build() and client() make them; got ${shown(source)}${given.contract === undefined ? '' : ' that has no runs: call client(infrastructure) on it'}`,
  )
}

function assertObject(value: unknown, what: string, keys: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidArgument(`${what} must be an object; got ${shown(value)}`)
  const strange = Object.keys(value).find((key) => !keys.includes(key))
  if (strange !== undefined) throw new InvalidArgument(`${what} has no '${strange}'. ${suggestion(strange, keys)}`)
}
