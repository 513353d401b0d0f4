import {
  Configuration,
  InvalidArgument,
  isTlsFault,
  isWorkflowError,
  StoreCorrupt,
  StoreUnavailable,
  type WorkflowError,
} from '@workflow/core/adapter'

/** The SQLSTATE of an error of the server, e.g. `40P01`; undefined for errors of the connection, or of somebody else. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

/** Whether the statement failed only because somebody else was in the way at that moment. Nothing of it was written. */
export function isContention(error: unknown): boolean {
  const state = sqlState(error)
  return state === '55P03' || state === '40P01' || state === '40001' || state === 'WF002'
}

/** Whether something in what was sent is wrong, which concerns nobody but the one who sent it. */
export function isRefusedValue(error: unknown): boolean {
  const state = sqlState(error) ?? ''
  return /^(21|22|23|54)/.test(state)
}

/** Whether the connection is of no use any more. The outcome of what was under way on it is unknown. */
export function isConnectionLoss(error: unknown): boolean {
  const state = sqlState(error)
  return state === undefined ? !isWorkflowError(error) : /^(08|57P)/.test(state)
}

const connectionWords = 'the connection to Postgres was lost or could not be made'

/** What went wrong, as one of Workflow's errors that says the way out. `schema` is the one that the tables are in. */
export function storeError(error: unknown, schema: string): WorkflowError {
  if (isWorkflowError(error)) return error
  const state = sqlState(error)
  const text = error instanceof Error ? error.message : String(error)
  const options = { cause: error, details: { schema, ...(state === undefined ? {} : { sqlState: state }) } }
  if (state === undefined && isTlsFault(error))
    return new Configuration(
      `no TLS connection to Postgres: ${textOf(error)}; look at sslmode and sslrootcert in the URL, or at ssl of the Pool`,
      options,
    )
  if (state === undefined) return new StoreUnavailable(`${connectionWords}: ${textOf(error)}`, options)
  return permanentError(state, text, schema, options) ?? new StoreUnavailable(`${temporaryReason(state)}: ${text}`, options)
}

function temporaryReason(state: string): string {
  if (/^(08|57P)/.test(state)) return connectionWords
  if (state === '25006') return 'Postgres takes no writes here: connect to the primary, not to a read-only replica'
  if (state === '53300') return 'Postgres has no connection left: raise its max_connections, or use fewer'
  if (state === '53100') return 'the disk of Postgres is full: free some space; nothing that was committed is lost'
  if (state === '55P03' || state === '40P01' || state === '40001') return 'another transaction was in the way'
  if (state === '57014') return 'Postgres cancelled a statement that took too long: see statement_timeout'
  return `Postgres refused a statement (SQLSTATE ${state})`
}

type Options = { readonly cause: unknown; readonly details: Readonly<Record<string, unknown>> }

function permanentError(state: string, text: string, schema: string, options: Options): WorkflowError | undefined {
  if (state.startsWith('28')) return new Configuration(`Postgres does not let this user in: check user and password (${text})`, options)
  if (state === '3D000') return new Configuration(`the database does not exist: create it, or correct the URL (${text})`, options)
  if (state === '42501')
    return new Configuration(
      `this user lacks a privilege in schema "${schema}": grant what postgresGrants() prints, or migrate with a user who may create (${text})`,
      options,
    )
  if (state === '26000' || state === '42P05')
    return new Configuration(
      `prepared statements do not survive between here and Postgres: set pooler: 'transaction', or connect without the pooler (${text})`,
      options,
    )
  if (/^(42|3F)/.test(state))
    return new Configuration(
      `the tables in schema "${schema}" are missing or were changed by hand: migrate them, and check the option schema (${text})`,
      options,
    )
  if (/^(21|22|23|54)/.test(state)) return new InvalidArgument(`Postgres cannot store a value: ${text}`, options)
  if (state.startsWith('XX')) return new StoreCorrupt(`Postgres says that its data is damaged: ${text}`, options)
  return undefined
}

/** Some errors of sockets have a code and no message, and those of several addresses hide in a list. */
function textOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(textOf).join('; ')
  if (!(error instanceof Error)) return String(error)
  const code = (error as { code?: unknown }).code
  return error.message === '' ? String(code ?? error.name) : error.message
}
