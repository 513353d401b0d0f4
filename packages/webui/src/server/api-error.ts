/** What goes wrong in a request, as an answer: an HTTP status and a code for programs. */
import { isWorkflowError, type ErrorCode } from '@workflow/core/adapter'
import type { ErrorJson, webErrorCodes } from '../api/error-json.ts'

export type WebErrorCode = keyof typeof webErrorCodes

const statuses: { readonly [Code in WebErrorCode]: number } = {
  NotFound: 404,
  MethodNotAllowed: 405,
  Unauthorized: 401,
  Forbidden: 403,
  ReadOnly: 403,
  CrossSite: 403,
  TooLarge: 413,
  NotJson: 415,
  TooSlow: 408,
  TooManyStreams: 503,
  Internal: 500,
}

/** Of core's codes that a request may meet; every other one is 500. */
const coreStatuses: { readonly [Code in ErrorCode]?: number } = {
  InvalidArgument: 400,
  Validation: 422,
  NotSerializable: 422,
  ObjectTooLarge: 422,
  RunNotFound: 404,
  WorkflowInProgress: 409,
  IllegalMove: 409,
  StaleVersion: 409,
  Contention: 409,
  Shredded: 410,
  Unsupported: 501,
  Stopped: 503,
  StoreUnavailable: 503,
}

/** Thrown by the server's own checks. */
export class ApiError extends Error {
  readonly code: WebErrorCode | 'InvalidArgument'
  readonly status: number
  readonly issues: readonly string[] | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: WebErrorCode | 'InvalidArgument',
    message: string,
    more: { readonly issues?: readonly string[]; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message)
    this.name = code
    this.code = code
    this.status = code === 'InvalidArgument' ? 400 : statuses[code]
    this.issues = more.issues
    this.headers = more.headers ?? {}
  }
}

/** An error as it is answered. `unexpected`: it belongs in the log, and its message to nobody else. */
export interface Fault {
  readonly status: number
  readonly body: ErrorJson
  readonly headers: Readonly<Record<string, string>>
  readonly unexpected: boolean
}

/** Core's messages with these codes quote what is stored. */
const quoting: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['Validation', 'StoreCorrupt', 'NotSerializable', 'StoredByNewer'])

/** Whose error it is: from when on its store has not answered, and whether values of its runs may be quoted. */
export interface Blamed {
  readonly downSince: Date | undefined
  readonly redaction: { readonly active: boolean }
}

export function faultOf(error: unknown, blamed?: Blamed): Fault {
  if (error instanceof ApiError) {
    const { status, code, message, issues, headers } = error
    return {
      status,
      headers,
      unexpected: false,
      body: { error: { code, message, ...(issues === undefined ? undefined : { issues: [...issues] }) } },
    }
  }
  if (isWorkflowError(error)) {
    const status = coreStatuses[error.code] ?? 500
    const since = blamed?.downSince
    const hide = blamed?.redaction.active === true && quoting.has(error.code)
    const shown = hide ? 'a stored value cannot be used; redact hides why' : error.message
    return {
      status,
      headers: status === 503 ? { 'retry-after': '2' } : {},
      unexpected: status === 500 || hide,
      body: { error: { code: error.code, message: shown, ...(since === undefined ? undefined : { since: since.toISOString() }) } },
    }
  }
  const message = 'the server could not answer; its log says why'
  return { status: 500, headers: {}, unexpected: true, body: { error: { code: 'Internal', message } } }
}
