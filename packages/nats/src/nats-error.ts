import { Configuration, InvalidArgument, isWorkflowError, StoreUnavailable, type WorkflowError } from '@workflow/core/adapter'
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream'
import {
  AuthorizationError,
  errors,
  NoRespondersError,
  PermissionViolationError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node'

/** The server's own number of an error, e.g. 10059 for a stream that is not there. */
export function apiCode(error: unknown): number | undefined {
  return error instanceof JetStreamApiError ? error.code : undefined
}

/** Whether the stream that was asked for is not there. */
export function isStreamMissing(error: unknown): boolean {
  return apiCode(error) === JetStreamApiCodes.StreamNotFound
}

/** Whether somebody else has written a subject since it was read. */
export function isConflict(error: unknown): boolean {
  const code = apiCode(error)
  return code === JetStreamApiCodes.StreamWrongLastSequence || code === JetStreamApiCodes.StreamWrongLastSequenceUnknown
}

/** Whether the server says that there is nobody who could hear it. */
export function isUnheard(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === 503
}

/** Whether nobody answered, so that the outcome is unknown. */
export function isSilence(error: unknown): boolean {
  return error instanceof errors.TimeoutError
}

/** Whether nobody took the message: its stream is not there, or has no leader. */
export function isNobody(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return (
    [error, cause].some((one) => one instanceof NoRespondersError || (one instanceof Error && /no responders/i.test(one.message))) ||
    (error instanceof Error && error.name === 'JetStreamNotEnabled')
  )
}

/** Whether a message has more bytes than its stream takes. */
export function isOverLimit(error: unknown): boolean {
  return apiCode(error) === tooLarge
}

const jetStreamOff: readonly number[] = [10039, 10076]
const tooLarge = 10054
const noRoom: readonly number[] = [10023, 10047, 10077, 10122]

/** What went wrong, as one of Workflow's errors that says the way out. `what` is what was being done, e.g. `sending events`. */
export function natsError(error: unknown, what: string): WorkflowError {
  if (isWorkflowError(error)) return error
  const text = textOf(error)
  const code = apiCode(error)
  const options = { cause: error, details: code === undefined ? {} : { apiCode: code } }
  if (error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError)
    return new Configuration(`${what}: NATS does not let this client in: check the credentials in the option connect (${text})`, options)
  const forbidden = [error, error instanceof Error ? error.cause : undefined].find((one) => one instanceof PermissionViolationError)
  if (forbidden !== undefined)
    return new Configuration(
      `${what}: this user may not ${forbidden.operation} ${JSON.stringify(forbidden.subject)}: grant it what the README of @workflow/nats lists`,
      options,
    )
  if (code !== undefined && jetStreamOff.includes(code)) return jetStreamIsOff(what, error)
  if (code === tooLarge)
    return new InvalidArgument(
      `${what}: a message is over the size limit of its stream: raise the stream's max_msg_size (${text})`,
      options,
    )
  if (code !== undefined && noRoom.includes(code))
    return new StoreUnavailable(
      `${what}: NATS has no room left, in memory, on disk or of the account: free some, or raise the limit; nothing that was stored is lost (${text})`,
      options,
    )
  return new StoreUnavailable(`${what}: NATS cannot be reached or does not answer: ${text}`, options)
}

/** There is a server, and no JetStream on it. */
export function jetStreamIsOff(what: string, cause: unknown): Configuration {
  return new Configuration(
    `${what}: JetStream is off, on the server or for this account: start nats-server with -js, or enable it for the account`,
    { cause },
  )
}

/** There is a server, and no TLS connection to it. */
export function tlsFault(what: string, cause: unknown): Configuration {
  return new Configuration(
    `${what}: no TLS connection: ${textOf(cause)}; look at tls in the option connect, and at whether the server offers TLS and which name its certificate is for`,
    { cause },
  )
}

function textOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(textOf).join('; ')
  if (!(error instanceof Error)) return String(error)
  const { code } = error as { code?: unknown }
  return error.message === '' ? String(code ?? error.name) : error.message
}
