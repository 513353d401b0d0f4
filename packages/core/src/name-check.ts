/** What workflows, statuses, timeouts and connectors may be called, so that topics, roles and rows built from names stay distinct everywhere. */
import { Configuration } from './errors.ts'
import { shown } from './model/option-check.ts'

/** Longest name, in UTF-16 code units: with its escapes it still fits the names of topics and the keys of databases. */
export const nameLengthMax = 100

/** A name that can be part of a topic. `what` says whose it is, e.g. `the name of a workflow`. */
export function checkedName(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new Configuration(`${what} must be a text; got ${shown(value)}`)
  if (value.trim() === '') throw new Configuration(`${what} is empty: give it one to ${nameLengthMax} characters`)
  if (value.length > nameLengthMax)
    throw new Configuration(`${what} has ${value.length} characters, at most ${nameLengthMax} are possible: ${shown(value)}`)
  if (value !== value.trim()) throw new Configuration(`${what} begins or ends with white space: ${shown(value)}`)
  if (/\p{Cc}/u.test(value)) throw new Configuration(`${what} has a control character in it: ${shown(value)}`)
  if (!value.isWellFormed()) throw new Configuration(`${what} has half of a surrogate pair in it: ${shown(value)}`)
  return value
}

/**
 * What two names must not have in common: some brokers and databases ignore case, or normalise what looks alike.
 */
export function collisionKey(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}
