/** Faults of a driver as the errors that callers of the ports know. */
import {
  Configuration,
  Fenced,
  InvalidArgument,
  isWorkflowError,
  Stopped,
  StoreUnavailable,
  type WorkflowError,
} from '@workflow/core/adapter'
import { KafkaFault } from './driver.ts'

/** The error for a fault, with what could not be done. An error of Workflow's stays as it is. */
export function unavailable(error: unknown, problem: string): unknown {
  if (isWorkflowError(error)) return error
  const fault = error instanceof KafkaFault ? error : undefined
  const message = `${problem}: ${error instanceof Error ? error.message : String(error)}`
  return errorOf(fault, message, error)
}

function errorOf(fault: KafkaFault | undefined, message: string, cause: unknown): WorkflowError {
  switch (fault?.kind) {
    case 'denied':
      return new Configuration(`${message}; look at sasl, ssl and what the user may do`, { cause })
    case 'refused':
      return new Configuration(`${message}; look at replicationFactor, partitions and topicSettings, and at what the brokers allow`, {
        cause,
      })
    case 'missing':
      return new Configuration(`${message}; create the topic with a partition per slot, or call ensure`, { cause })
    case 'too large':
      return new InvalidArgument(`${message}; raise max.message.bytes of the topic`, { cause })
    default:
      return new StoreUnavailable(
        `${message}; is Kafka up, are its brokers' advertised addresses reachable from here, and do ssl and sasl fit its listener?`,
        { cause },
      )
  }
}

/** The error for slots that a newer holder has. */
export function fencedSlots(receiver: string, slots: readonly number[]): Fenced {
  return new Fenced(`receiver ${JSON.stringify(receiver)}: a newer holder has slots ${slots.join(', ')}; stop working on their events`, {
    details: { receiver, slots },
  })
}

/** The error of whatever was closed. */
export function stopped(what: string): Stopped {
  return new Stopped(`${what} has been closed; open a new one`)
}
