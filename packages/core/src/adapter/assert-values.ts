import { InvalidArgument } from '../errors.ts'
import type { Payload } from '../model/payload.ts'
import { limits } from './limits.ts'

/** The run, timer or unit that a message is about. Built only when something is wrong: these checks are on the hot path. */
export type Subject = () => string

/** Throws `InvalidArgument`: which part of what is wrong, and how. */
export function refuse(subject: Subject, part: string, problem: string): never {
  throw new InvalidArgument(`${subject()}: ${part} ${problem}`)
}

/**
 * Throws unless `value` is a text that every database stores and gives back as it is: no NUL, which Postgres refuses,
 * and no lone surrogate, which has no UTF-8 form.
 */
export function assertText(value: unknown, lengthMax: number, part: string, subject: Subject): void {
  if (typeof value !== 'string') refuse(subject, part, `must be a string, not ${value === null ? 'null' : typeof value}`)
  if (value.length > lengthMax) refuse(subject, part, `has ${value.length} characters; at most ${lengthMax} can be stored`)
  if (value.includes('\0')) refuse(subject, part, 'contains a NUL character, which databases cannot store')
  if (!value.isWellFormed()) refuse(subject, part, 'contains a lone surrogate, which cannot be written as UTF-8')
}

/** Like `assertText`, for workflow names, statuses, foreign ids and run ids, which are not empty. */
export function assertName(value: unknown, part: string, subject: Subject): void {
  assertText(value, limits.nameLength, part, subject)
  if (value === '') refuse(subject, part, 'is empty')
}

/** Like `assertText`, for all other ids, which are not empty either. */
export function assertId(value: unknown, part: string, subject: Subject): void {
  assertText(value, limits.idLength, part, subject)
  if (value === '') refuse(subject, part, 'is empty')
}

/** Throws unless `value` is a whole number from `min` on. */
export function assertInteger(value: unknown, min: number, part: string, subject: Subject): void {
  if (!Number.isSafeInteger(value) || (value as number) < min)
    refuse(subject, part, `must be a whole number, ${min} or more; got ${String(value)}`)
}

/** Throws unless `value` can be the number of a slot. */
export function assertSlot(value: unknown, part: string, subject: Subject): void {
  assertInteger(value, 0, part, subject)
  if ((value as number) >= limits.slots) refuse(subject, part, `must be below ${limits.slots}; got ${String(value)}`)
}

/** Throws unless `value` is a valid date. */
export function assertDate(value: unknown, part: string, subject: Subject): void {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) refuse(subject, part, `must be a valid Date; got ${String(value)}`)
}

/** Throws unless `value` is one of `known`. */
export function assertOneOf(value: unknown, known: readonly unknown[], part: string, subject: Subject): void {
  if (!known.includes(value)) refuse(subject, part, `must be one of ${known.join(', ')}; got ${String(value)}`)
}

/** Throws unless `payload` has bytes within the limit and says what made them. */
export function assertPayload(payload: Payload, part: string, subject: Subject): void {
  if (typeof payload !== 'object' || payload === null || !(payload.bytes instanceof Uint8Array))
    refuse(subject, part, 'must be a payload with bytes')
  if (payload.bytes.length > limits.payloadBytes)
    refuse(subject, part, `has ${payload.bytes.length} bytes; at most ${limits.payloadBytes} can be stored`)
  assertId(payload.codec, 'a codec', subject)
  assertInteger(payload.schema, 1, 'a schema', subject)
  if (payload.subject !== undefined) assertId(payload.subject, 'a subject', subject)
}
