/**
 * Every error that Workflow throws on purpose. One class per meaning, one code per class; `docs/errors.md` lists the
 * same codes. Match by `isWorkflowError(error, code)`: it works across duplicate installs of the package.
 */

/** Every code, and what it means in one line. */
export const errorCodes = {
  Configuration: 'a definition, an option or the choice of adapters cannot work',
  InvalidArgument: 'a call was given something that it cannot use',
  Validation: 'a value does not fit its schema',
  NotSerializable: 'a value would not survive its encoding',
  ObjectTooLarge: 'an encoded value is over the size limit',
  WorkflowInProgress: 'the foreign id has an unfinished run',
  RunNotFound: 'no run has this id',
  RunNotWaiting: 'the run does not wait for this callback',
  RunFinished: 'the run finished without reaching what was awaited',
  IllegalMove: 'the run state does not allow this move',
  StaleVersion: 'the run has moved since it was looked at; nothing was changed',
  Contention: 'other writers kept winning; nothing was changed',
  AwaitTimeout: 'the awaited did not happen in time',
  CallbackFailed: 'the handler of an accepted callback failed',
  NonRetryable: 'a handler says that trying again cannot help',
  DeadlineExceeded: 'a handler took longer than its deadline',
  InvalidOutcome: 'a handler returned something that its graph does not allow',
  Stopped: 'the workflow or adapter has been stopped',
  Fenced: 'a newer holder has taken over',
  EventsLost: 'the stream no longer has events that this receiver has not seen',
  LeaseLost: 'the role went to another instance while work was in hand',
  Unsupported: 'the adapter does not know how to do this',
  StoreUnavailable: 'the store or stream cannot be reached; trying again can help',
  StoreCorrupt: 'what is stored cannot be read',
  StoredByNewer: 'a newer version of the code or schema has written this',
  Shredded: 'the value was encrypted with a key that has been forgotten',
} as const

/** One of the codes of `errorCodes`. */
export type ErrorCode = keyof typeof errorCodes

/** What an error carries besides its code and message. */
export interface WorkflowErrorOptions {
  readonly cause?: unknown
  /** Ids and values that the message speaks of. Never the run's object. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly retryable?: boolean
}

// A registered symbol, so that two copies of this module recognise each other's errors.
const brand: unique symbol = Symbol.for('@workflow/core/error') as never

/** What every error of Workflow is. */
export class WorkflowError extends Error {
  readonly code: ErrorCode
  /** Whether the same call may succeed later without anything being changed. */
  readonly retryable: boolean
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: WorkflowErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = code
    Object.defineProperty(this, brand, { value: true })
    this.code = code
    this.retryable = options.retryable ?? false
    this.details = Object.freeze({ ...options.details })
  }
}

/** Whether `error` is a `WorkflowError`, and of `code` where one is given. */
export function isWorkflowError(error: unknown, code?: ErrorCode): error is WorkflowError {
  try {
    return (
      typeof error === 'object' &&
      error !== null &&
      (error as { [brand]?: true })[brand] === true &&
      (code === undefined || (error as WorkflowError).code === code)
    )
  } catch {
    // A proxy that does not let itself be looked at is none of ours.
    return false
  }
}

/** A definition, an option or the choice of adapters cannot work. Thrown before anything runs; trying again cannot help. */
export class Configuration extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('Configuration', message, options)
  }
}
/** A call was given something that it cannot use. Nothing was changed. */
export class InvalidArgument extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('InvalidArgument', message, options)
  }
}
/** `details.issues` holds the schema's own issues: `{ message, path }`. */
export class ValidationError extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('Validation', message, options)
  }
}
/** A value would not survive its encoding; the message names the place in it. Nothing was stored. */
export class NotSerializable extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('NotSerializable', message, options)
  }
}
/** An encoded value is over `maxObjectBytes`. Nothing was stored. */
export class ObjectTooLarge extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('ObjectTooLarge', message, options)
  }
}
/** `details.runId` is the unfinished run. */
export class WorkflowInProgress extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('WorkflowInProgress', message, options)
  }
}
/** No run of this workflow has the id or foreign id. */
export class RunNotFound extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('RunNotFound', message, options)
  }
}
/** The run does not wait for this callback: it is elsewhere, paused or finished. Nothing was changed. */
export class RunNotWaiting extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('RunNotWaiting', message, options)
  }
}
/** The run finished without reaching what was awaited. */
export class RunFinished extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('RunFinished', message, options)
  }
}
/** The run state does not allow this move. Nothing was changed. */
export class IllegalMove extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('IllegalMove', message, options)
  }
}
/** The run is no longer at the version that the caller has seen. Nothing was changed; look again. `details.version` is where it is. */
export class StaleVersion extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('StaleVersion', message, options)
  }
}
/** Other writers kept winning. Nothing was changed; the same call may succeed later. */
export class Contention extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('Contention', message, { retryable: true, ...options })
  }
}
/** What was awaited did not happen in time. It still may: only the waiting has ended. */
export class AwaitTimeout extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('AwaitTimeout', message, { retryable: true, ...options })
  }
}
/** The handler of an accepted callback failed, with its error in the message. The callback stays accepted and is tried again. */
export class CallbackFailed extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('CallbackFailed', message, options)
  }
}
/** Throw it from a handler: the run pauses at once, with this as the reason. */
export class NonRetryable extends WorkflowError {
  readonly '~nonRetryable' = true
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('NonRetryable', message, options)
  }
}
/** A handler took longer than its `deadline`. Counts as a failed attempt. */
export class DeadlineExceeded extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('DeadlineExceeded', message, { retryable: true, ...options })
  }
}
/** A handler returned something that its graph does not allow, or made an outcome and did not return it. The run pauses. */
export class InvalidOutcome extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('InvalidOutcome', message, options)
  }
}
/** The workflow or the adapter has been stopped or closed: build or open it anew. */
export class Stopped extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('Stopped', message, options)
  }
}
/** A newer holder has taken over: what this one writes or acknowledges is refused. */
export class Fenced extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('Fenced', message, options)
  }
}
/** The stream no longer has events that this receiver has not seen. */
export class EventsLost extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('EventsLost', message, options)
  }
}
/** The role went to another instance while work was in hand, which that instance does again. */
export class LeaseLost extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('LeaseLost', message, { retryable: true, ...options })
  }
}
/** The adapter does not know how to do this. */
export class Unsupported extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('Unsupported', message, options)
  }
}
/** The store or stream cannot be reached, or cannot write. The same call may succeed later; the driver's error is the `cause`. */
export class StoreUnavailable extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('StoreUnavailable', message, { retryable: true, ...options })
  }
}
/** What is stored cannot be read; the message says where. */
export class StoreCorrupt extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('StoreCorrupt', message, options)
  }
}
/** A newer version of the code or of the tables has written this: update this process. */
export class StoredByNewer extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('StoredByNewer', message, options)
  }
}
/** The value was encrypted with a key that has been forgotten. */
export class Shredded extends WorkflowError {
  constructor(message: string, options?: WorkflowErrorOptions) {
    super('Shredded', message, options)
  }
}
