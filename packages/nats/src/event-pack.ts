/**
 * Several events of one topic and slot in one message: a JSON list of events. A place in the stream is one number, made of
 * the message's sequence and the event's index in it, so that a cursor may stand inside of a message.
 */
import { assertEvent, type RunEvent, StoreCorrupt } from '@workflow/core/adapter'

/** So many events one message has at most. */
export const packMax = 1_024

/** The place of an event. Places grow in the order of the stream. */
export function placeOf(seq: number, index: number): number {
  return seq * packMax + index
}

/** The place after which the message behind `seq` comes. */
export function endOf(seq: number): number {
  return seq * packMax + packMax - 1
}

/** The first message that has something beyond a place. */
export function seqAfter(place: number): number {
  return Math.floor((place + 1) / packMax)
}

/** Events as JSON, each by itself, as the body of a message. */
export function packOf(events: readonly string[]): string {
  return `[${events.join(',')}]`
}

/** The events of a message. Throws `StoreCorrupt` for what is none of ours. */
export function unpack(data: Uint8Array): readonly RunEvent[] {
  let events: Partial<Record<keyof RunEvent, unknown>>[]
  try {
    events = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString())
  } catch (cause) {
    throw new StoreCorrupt('a message is not the JSON of events', { cause })
  }
  if (!Array.isArray(events) || events.length > packMax) throw new StoreCorrupt('a message is not a list of events')
  for (const event of events) {
    if (typeof event !== 'object' || event === null) throw new StoreCorrupt('a message is not a list of events')
    event.at = new Date(String(event.at))
    assertEvent(event as RunEvent, () => 'a message of the stream')
  }
  // Each was checked.
  return events as readonly unknown[] as readonly RunEvent[]
}
