/** A kind of server that `scripts/services.ts` starts and stops by name. */
import type { Place } from './server-folder.ts'

export interface StartOptions {
  /** Whether what is written reaches the disk before it is answered. Tests of behaviour do without, measurements never. */
  readonly durable: boolean
  /** The first number of the version, where several can be had; undefined means the newest. */
  readonly major: string | undefined
}

export interface Service {
  readonly name: string
  /** The environment variable in which tests and benchmarks look for the server's URL. */
  readonly variable: string
  /** What can be started here as it is, a line each. Empty where there is nothing. */
  readonly found: () => readonly string[]
  /** Gets what there is to start, if that is possible on this machine. Throws with what a person has to do where it is not. */
  readonly install: () => Promise<void>
  /** Starts a server that outlives this process; answers where, as plain data. */
  readonly start: (options: StartOptions) => Promise<Place>
  readonly urlOf: (place: Place) => string
  readonly isRunning: (place: Place) => boolean
  /** Stops it and deletes its data. */
  readonly remove: (place: Place) => void
}

/** What a service says of its own kind of place. */
export interface ServiceSpec<P extends Place> extends Omit<Service, 'urlOf' | 'isRunning' | 'remove' | 'start'> {
  readonly start: (options: StartOptions) => Promise<P>
  readonly urlOf: (place: P) => string
  readonly isRunning: (place: P) => boolean
  readonly remove: (place: P) => void
}

/** A place that a service is handed is always one that its own `start` has answered, perhaps long ago, through a file. */
export function service<P extends Place>({ urlOf, isRunning, remove, ...rest }: ServiceSpec<P>): Service {
  return {
    ...rest,
    urlOf: (place) => urlOf(place as P),
    isRunning: (place) => isRunning(place as P),
    remove: (place) => remove(place as P),
  }
}
