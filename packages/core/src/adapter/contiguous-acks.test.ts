import { describe, expect, test } from 'vitest'
import { ContiguousAcks } from './contiguous-acks.ts'

describe('ContiguousAcks', () => {
  test('moves the prefix only past what is acknowledged without a gap', () => {
    const acks = new ContiguousAcks<bigint>()
    const tickets = [10n, 11n, 15n, 20n].map((position) => acks.handOut(position))
    expect(acks.prefix).toBeUndefined()
    expect(acks.ack(tickets[2] ?? -1)).toBe(false)
    expect(acks.ack(tickets[1] ?? -1)).toBe(false)
    expect(acks.prefix).toBeUndefined()
    expect(acks.oldestOpen).toBe(10n)
    expect(acks.ack(tickets[0] ?? -1)).toBe(true)
    expect(acks.prefix).toBe(15n)
    expect(acks.oldestOpen).toBe(20n)
    expect(acks.beyondPrefix).toBe(1)
  })

  test('takes the same ticket twice, and one that was never given, without moving', () => {
    const acks = new ContiguousAcks<number>()
    const ticket = acks.handOut(7)
    expect(acks.ack(ticket)).toBe(true)
    expect(acks.ack(ticket)).toBe(false)
    expect(acks.ack(ticket + 1)).toBe(false)
    const late = acks.handOut(8)
    expect(acks.ack(ticket)).toBe(false)
    expect(acks.prefix).toBe(7)
    expect(acks.ack(late)).toBe(true)
    expect(acks.prefix).toBe(8)
  })

  test('agrees with a plain model over random orders', () => {
    let seed = 7
    const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below
    const acks = new ContiguousAcks<number>()
    const open: { ticket: number; position: number }[] = []
    const acked = new Set<number>()
    let position = 0
    let modelPrefix: number | undefined
    const handedOut: number[] = []
    let modelHead = 0
    for (let round = 0; round < 30_000; round++) {
      if (random(2) === 0 || open.length === 0) {
        position += 1 + random(3)
        open.push({ ticket: acks.handOut(position), position })
        handedOut.push(position)
        continue
      }
      const [chosen] = open.splice(random(Math.min(open.length, 2_000)), 1)
      if (chosen === undefined) throw new Error('unreachable')
      acked.add(chosen.position)
      acks.ack(chosen.ticket)
      while (acked.has(handedOut[modelHead] ?? -1)) modelPrefix = handedOut[modelHead++]
      expect(acks.prefix).toBe(modelPrefix)
      expect(acks.beyondPrefix).toBe(handedOut.length - modelHead)
    }
  })

  test('costs the same per acknowledgement however many are open', () => {
    const acks = new ContiguousAcks<number>()
    const tickets: number[] = []
    for (let i = 0; i < 1_000_000; i++) tickets.push(acks.handOut(i))
    for (const ticket of tickets.toReversed()) acks.ack(ticket)
    expect(acks.prefix).toBe(999_999)
    expect(acks.beyondPrefix).toBe(0)
  })
})
