/** Errors of kafkajs, sorted by what can be done about them. */
import { isTlsFault, isWorkflowError } from '@workflow/core/adapter'
import { type FaultKind, KafkaFault } from './driver.ts'

const kinds: Readonly<Record<string, FaultKind>> = {
  SASL_AUTHENTICATION_FAILED: 'denied',
  UNSUPPORTED_SASL_MECHANISM: 'denied',
  // A listener that knows no SASL.
  ILLEGAL_SASL_STATE: 'denied',
  TOPIC_AUTHORIZATION_FAILED: 'denied',
  GROUP_AUTHORIZATION_FAILED: 'denied',
  CLUSTER_AUTHORIZATION_FAILED: 'denied',
  NOT_LEADER_FOR_PARTITION: 'led elsewhere',
  LEADER_NOT_AVAILABLE: 'led elsewhere',
  FENCED_LEADER_EPOCH: 'led elsewhere',
  UNKNOWN_LEADER_EPOCH: 'led elsewhere',
  REPLICA_NOT_AVAILABLE: 'led elsewhere',
  UNKNOWN_TOPIC_OR_PARTITION: 'missing',
  OFFSET_OUT_OF_RANGE: 'out of range',
  MESSAGE_TOO_LARGE: 'too large',
  RECORD_LIST_TOO_LARGE: 'too large',
  INVALID_REPLICATION_FACTOR: 'refused',
  INVALID_REPLICA_ASSIGNMENT: 'refused',
  INVALID_PARTITIONS: 'refused',
  INVALID_CONFIG: 'refused',
  INVALID_TOPIC_EXCEPTION: 'refused',
  POLICY_VIOLATION: 'refused',
}

interface KafkaJsError {
  readonly name?: string
  readonly type?: string
  readonly message?: string
  readonly cause?: unknown
  readonly errors?: readonly unknown[]
}

/** What an error of kafkajs means. `doing` says in a message what was tried. Throws an error of Workflow's as it is. */
export function faultOf(error: unknown, doing: string): KafkaFault {
  if (error instanceof KafkaFault) return error
  if (isWorkflowError(error)) throw error
  const { kind, message } = sort(error)
  return new KafkaFault(kind, `${doing}: ${message}`, error)
}

/** kafkajs wraps errors in errors; the innermost one that is known decides. */
function sort(error: unknown, depth = 0): { readonly kind: FaultKind; readonly message: string } {
  // Everything that kafkajs throws has these, and nothing is lost where something else comes.
  const { name, type, message, cause, errors } = (error ?? {}) as KafkaJsError
  const text = message ?? String(error)
  if (name === 'KafkaJSSASLAuthenticationError') return { kind: 'denied', message: text }
  if (name === 'KafkaJSConnectionError' && isTlsFault(error)) return { kind: 'denied', message: text }
  const known = type === undefined ? undefined : kinds[type]
  if (known !== undefined) return { kind: known, message: text }
  if (depth < 4) {
    for (const inner of [...(errors ?? []), ...(cause === undefined ? [] : [cause])]) {
      const sorted = sort(inner, depth + 1)
      if (sorted.kind !== 'unavailable' || errors !== undefined) return sorted
    }
  }
  return { kind: 'unavailable', message: text }
}
