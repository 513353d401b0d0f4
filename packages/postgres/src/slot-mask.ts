/** Sets of slots, a bit each, as read_1 takes them. Slots that are 64 apart share one: whoever asks by it may get more than was asked for. */
export type SlotMask = bigint

export const allSlots: SlotMask = -1n
export const noSlots: SlotMask = 0n

export function maskOf(slots: Iterable<number>): SlotMask {
  let mask = noSlots
  for (const slot of slots) mask |= 1n << BigInt(slot % 64)
  // As a signed number of 64 bits.
  return BigInt.asIntN(64, mask)
}

/** Whether all slots of one are in the other. */
export function isWithin(one: SlotMask, other: SlotMask): boolean {
  return (one & ~other) === noSlots
}
