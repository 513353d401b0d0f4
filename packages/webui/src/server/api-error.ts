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

/** `since`: from when on the store that was asked has not answered. */
export function faultOf(error: unknown, since?: Date): Fault {
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
    return {
      status,
      headers: status === 503 ? { 'retry-after': '2' } : {},
      unexpected: status === 500,
      body: { error: { code: error.code, message: error.message, ...(since === undefined ? undefined : { since: since.toISOString() }) } },
    }
  }
  const message = 'the server could not answer; its log says why'
  return { status: 500, headers: {}, unexpected: true, body: { error: { code: 'Internal', message } } }
}
