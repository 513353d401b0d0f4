import { InvalidArgument } from '../errors.ts'
import type { ReceiveOptions } from '../ports/event-streamer.ts'

/** The receiver that is called, as far as that is known of it. */
export interface ReceiveCall {
  readonly name?: string
  /** Whether another call of it is under way. */
  readonly receiving: boolean
}

/** Throws `InvalidArgument` for a call of `receive` with a `max` that is no number of deliveries, or beside another call. */
export function assertReceive({ max }: ReceiveOptions, { name, receiving }: ReceiveCall): void {
  const receiver = name === undefined ? 'this receiver' : `receiver ${JSON.stringify(name)}`
  if (!Number.isInteger(max) || max < 1) throw new InvalidArgument(`${receiver}: max must be a whole number, 1 or more; got ${String(max)}`)
  if (receiving) throw new InvalidArgument(`${receiver} is receiving already; make one call at a time`)
}
