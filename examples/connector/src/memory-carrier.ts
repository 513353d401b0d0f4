import { memoryConnector } from '@workflow/testing'
import { type Carrier, idHeader, valueOf } from './carrier.ts'

/** A stream in this process. */
export function memoryCarrier(): Carrier {
  const messages = memoryConnector()
  return {
    messages,
    publish: (postings) =>
      messages.publish(postings.map(({ id, parcel, body }) => ({ key: parcel, value: valueOf(body), headers: { [idHeader]: id } }))),
    [Symbol.asyncDispose]: () => messages.close(),
  }
}
