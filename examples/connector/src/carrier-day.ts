/** What the carrier publishes in this example. */
import type { Posting } from './carrier.ts'

/** Before anybody listens. */
export const night: readonly Posting[] = [
  pickedUp('m-1', 'parcel-0', 'Rossio 12, Lisbon'),
  handedOver('m-2', 'parcel-0', 'A. Costa'),
  pickedUp('m-3', 'parcel-1', 'Rua Augusta 1, Lisbon'),
]

/** Sent twice is what its owner sends again because the answer was lost: a new place in the stream, and the same id. */
export const morning: readonly Posting[] = [
  pickedUp('m-4', 'parcel-2', 'Unter den Linden 5, Berlin'),
  pickedUp('m-4', 'parcel-2', 'Unter den Linden 5, Berlin'),
  { id: 'm-5', parcel: 'parcel-2', body: '{"kind":"eaten","parcel":"parcel-2","by":"a dog"}' },
  { id: 'm-6', parcel: 'parcel-1', body: '}{ no JSON' },
  handedOver('m-7', 'parcel-1', 'M. Silva'),
  handedOver('m-8', 'parcel-2', 'K. Weber'),
  handedOver('m-8', 'parcel-2', 'K. Weber'),
]

export const rushParcels = 200

/** Faster than anybody can handle it. */
export const rush: readonly Posting[] = Array.from({ length: rushParcels }, (_, index) => `parcel-${index + 3}`).flatMap((parcel) => [
  pickedUp(`${parcel} up`, parcel, 'Gran Vía 1, Madrid'),
  handedOver(`${parcel} over`, parcel, 'P. Ruiz'),
])

function pickedUp(id: string, parcel: string, address: string): Posting {
  return { id, parcel, body: JSON.stringify({ kind: 'picked-up', parcel, address }) }
}

function handedOver(id: string, parcel: string, signedBy: string): Posting {
  return { id, parcel, body: JSON.stringify({ kind: 'handed-over', parcel, signedBy }) }
}
