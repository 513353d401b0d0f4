import type { Payload } from '../model/payload.ts'

/** The same payload over bytes of its own, so that neither side sees what the other does to its array. */
export function copyPayload(payload: Payload): Payload {
  return { ...payload, bytes: payload.bytes.slice() }
}
