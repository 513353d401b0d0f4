/** What etcd, or the way to it, answers, as errors of Workflow. */
import { Configuration, isTlsFault, isWorkflowError, StoreUnavailable, type WorkflowError } from '@workflow/core/adapter'

/** etcd's codes, those of gRPC. */
const invalidArgument = 3
const notFound = 5
const permissionDenied = 7
const failedPrecondition = 9
const unimplemented = 12
const unauthenticated = 16

/** An answer of etcd that is no result. */
export class EtcdRefusal extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.name = 'EtcdRefusal'
    this.code = code
  }
}

/** What etcd has answered in the place of a result. Of a stream, which the renewal of a lease is to etcd, it says so one level deeper. */
export function refusalOf(status: number, text: string): EtcdRefusal {
  try {
    // Looked at below.
    const answer = JSON.parse(text) as { readonly error?: unknown } | null
    const { code, grpc_code, message } = (typeof answer?.error === 'object' && answer.error !== null ? answer.error : answer) as {
      readonly code?: unknown
      readonly grpc_code?: unknown
      readonly message?: unknown
    }
    const number = code ?? grpc_code
    if (typeof number === 'number' && typeof message === 'string') return new EtcdRefusal(number, message)
  } catch {
    // Not of etcd, but of something on the way to it.
  }
  return new EtcdRefusal(0, `${status} ${text.slice(0, 200).trim()}`)
}

/** Not the store that it was: restored from a backup, emptied, or another cluster. */
export class EtcdReplaced extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'EtcdReplaced'
  }
}

export function isReplaced(error: unknown): boolean {
  return isWorkflowError(error) && error.cause instanceof EtcdReplaced
}

/** Whether there is no such lease, or no longer. */
export function isLeaseGone(error: unknown): boolean {
  const refusal = isWorkflowError(error) ? error.cause : error
  return refusal instanceof EtcdRefusal && refusal.code === notFound
}

/** Whether a token that was fine has run out, or users and roles have changed since it was given. */
export function isTokenStale({ code, message }: EtcdRefusal): boolean {
  return code === unauthenticated || (code === invalidArgument && message.includes('auth store is old'))
}

/** The error to throw for whatever a request ended with. `where` names the endpoint. */
export function asWorkflowError(error: unknown, where: string): WorkflowError {
  if (isWorkflowError(error)) return error
  const options = { cause: error, details: { endpoint: where } }
  if (error instanceof EtcdReplaced) return new StoreUnavailable(`etcd at ${where} is not what it was: ${error.message}`, options)
  if (error instanceof EtcdRefusal) {
    const advice = adviceFor(error)
    const message = `etcd at ${where} refuses: ${error.message}`
    return advice === undefined ? new StoreUnavailable(message, options) : new Configuration(`${message}. ${advice}`, options)
  }
  const reason = reasonOf(error)
  if (isTlsFault(error))
    return new Configuration(
      `no TLS connection to etcd at ${where}: ${reason}. Look at tls, and at whether the endpoint begins with https:`,
      options,
    )
  return new StoreUnavailable(`etcd at ${where} cannot be reached: ${reason}`, options)
}

function adviceFor({ code, message }: EtcdRefusal): string | undefined {
  if (message.includes('invalid user ID or password')) return 'Give another username or password in auth'
  if (message.includes('user name is empty')) return 'It wants a user: give auth'
  // A token that was given a moment ago, and is not known any more: the next one may be.
  if (code === unauthenticated) return undefined
  if (message.includes('authentication is not enabled')) return 'Leave auth out, or enable it: etcdctl auth enable'
  if (code === permissionDenied) return 'The user of auth needs a role with readwrite on the prefix'
  if (message.includes('request is too large')) return 'Raise --max-request-bytes, which is 1.5 MiB by default'
  if (message.includes('too many operations')) return 'Raise --max-txn-ops to at least 128, which is its default'
  if (code === unimplemented || message.startsWith('404')) return 'Is it etcd 3.4 or newer, with --enable-grpc-gateway as it is by default?'
  if (code === failedPrecondition && message.includes('TLS')) return 'Look at tls'
  return undefined
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Of several addresses that were tried there is an error each, and no message.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join(', ')
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' && !error.message.includes(code) ? `${error.message} (${code})` : error.message
}
