/** Why a request to write had no good answer, as far as it matters to whether it is sent again. */
import { isTlsFault } from '@workflow/core/adapter'
import { KafkaFault } from './driver.ts'

/** The later in this list, the more it decides where several come together. */
const setbacks = ['refused', 'starting', 'lost', 'silent', 'final'] as const

/**
 * `refused`: the broker says no, and may say yes a little later, or another one may. `starting`: a broker that was just started cannot give
 * out ids of producers yet. `lost`: the connection has ended. `silent`: nothing has come in time. `final`: sending again is of no use.
 */
export type Setback = (typeof setbacks)[number]

/** In these, "group" is what it once was for. */
const starting: ReadonlySet<string | undefined> = new Set([
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
])

interface KafkaJsError {
  readonly name?: string
  readonly type?: string
  readonly retriable?: boolean
}

/** Which one an error is, of kafkajs or of ours. */
export function setbackOf(error: unknown): Setback {
  if (error instanceof KafkaFault) return 'final'
  // Everything that kafkajs throws has these, and anything else is final.
  const { name, type, retriable } = (error ?? {}) as KafkaJsError
  if (name === 'KafkaJSRequestTimeoutError') return 'silent'
  if (name === 'KafkaJSConnectionError' || name === 'KafkaJSConnectionClosedError') return isTlsFault(error) ? 'final' : 'lost'
  if (name === 'KafkaJSBrokerNotFound' || name === 'KafkaJSMetadataNotLoaded') return 'refused'
  if (starting.has(type)) return 'starting'
  return type !== undefined && retriable === true ? 'refused' : 'final'
}

/** The error that decides, of one or more. */
export function gravest(errors: readonly unknown[]): { readonly setback: Setback; readonly error: unknown } {
  const sorted = errors
    .map((error) => ({ setback: setbackOf(error), error }))
    .sort((a, b) => setbacks.indexOf(b.setback) - setbacks.indexOf(a.setback))
  return sorted[0] ?? { setback: 'final', error: new KafkaFault('unavailable', 'writing: there is no answer') }
}
