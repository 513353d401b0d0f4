import { expect, test } from 'vitest'
import { controlKey, controlRecordOf, controlValue, type ControlRecord } from './control-record.ts'
import { ControlState } from './control-state.ts'

const place = { receiver: 'r:orders', slot: 0 } as const
const claim = (epoch: string, token: number, domain = 'd'): ControlRecord => ({
  kind: 'claim',
  ...place,
  epoch,
  domain,
  token: BigInt(token),
  sources: ['one', 'two'],
})
const cursor = (epoch: string, one: number, two = one): ControlRecord => ({ kind: 'cursor', ...place, epoch, positions: [one, two] })

function read(records: readonly ControlRecord[]) {
  const superseded: string[] = []
  const state = new ControlState((epoch) => superseded.push(epoch))
  for (const record of records) state.apply(record)
  const { receiver, slot } = place
  return {
    state,
    superseded,
    holder: state.holderOf(receiver, slot),
    cursors: ['one', 'two'].map((source) => state.cursor(receiver, slot, source)),
  }
}

/** What a cleaner of Kafka leaves of the first `clean` records: of each key the newest one in all of them, and no tombstones. */
function compacted(records: readonly ControlRecord[], clean: number): readonly ControlRecord[] {
  const newest = new Map(records.slice(0, clean).map((record, n) => [controlKey(record), n]))
  return records.filter((record, n) => n >= clean || (newest.get(controlKey(record)) === n && !('gone' in record)))
}

test('the greatest token of a domain holds a slot, and only its cursors count', () => {
  const { holder, cursors, superseded } = read([
    claim('a', 1),
    cursor('a', 5),
    claim('b', 2),
    cursor('a', 9),
    cursor('b', 6, 7),
    claim('c', 1),
  ])
  expect([holder, cursors, superseded]).toEqual(['b', [6, 7], ['a']])
})

test('a claim of another domain takes over, and a claim with the same token, too', () => {
  expect(read([claim('a', 9), claim('b', 1, 'other')]).holder).toBe('b')
  expect(read([claim('a', 9), claim('b', 9)]).holder).toBe('b')
})

test('what was acknowledged stays acknowledged when a slot changes hands', () => {
  expect(read([claim('a', 1), cursor('a', 5), claim('b', 2)]).cursors).toEqual([5, 5])
})

test('records survive their encoding, and foreign ones are none', () => {
  const records: readonly ControlRecord[] = [
    claim('a', 1),
    { kind: 'claim', ...place, epoch: 'a', gone: true },
    cursor('a', 3),
    { kind: 'cursor', ...place, epoch: 'a', gone: true },
    { kind: 'topic', topic: 'orders/paid', slots: 4 },
    { kind: 'topic', topic: 'orders/paid', slots: 4, gone: true },
    { kind: 'receiver', receiver: 'r:orders', topic: 'orders/paid', id: 'x', workflowName: 'orders', positions: [1, 2] },
    { kind: 'receiver', receiver: 'r:orders', topic: 'orders/paid', id: 'x', gone: true },
  ]
  for (const record of records) {
    const value = controlValue(record)
    expect(controlRecordOf({ key: Buffer.from(controlKey(record)), value: value === null ? null : Buffer.from(value) })).toEqual(record)
  }
  const odd: readonly (readonly [string | null, string | null])[] = [
    [null, '{}'],
    ['foreign', '{}'],
    ['{}', '{}'],
    ['["x","a",1]', '{}'],
    ['["t",1,1]', '{}'],
    ['["t","a","4"]', '{}'],
    ['["r","a","b","c"]', '{"w":"x"}'],
    ['["c","a",1,"e"]', '{"d":"x","t":1}'],
    ['["c","a",1,"e"]', '{"d":"x","t":"one","s":[]}'],
    ['["o","a",1,"e"]', '["1"]'],
    ['["o","a",1,"e"]', 'not JSON'],
  ]
  for (const [key, value] of odd)
    expect(
      controlRecordOf({ key: key === null ? null : Buffer.from(key), value: value === null ? null : Buffer.from(value) }),
    ).toBeUndefined()
})

test('compaction changes nothing of what the log says, whenever it comes', () => {
  let seed = 1
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  for (let round = 0; round < 40; round++) {
    const live = new ControlState(() => undefined)
    const records: ControlRecord[] = []
    const write = (...more: readonly ControlRecord[]): void => {
      for (const record of more) {
        records.push(record)
        live.apply(record)
      }
    }
    let holding: { readonly epoch: string; position: number } | undefined
    const zombies: string[] = []
    for (let step = 0; step < 40; step++) {
      const epoch = `e${step}`
      if (random(4) === 0) {
        write(claim(epoch, random(5), `domain ${random(2)}`))
        // As a holder does: it learns what the log says, and tidies up, what is left of others or of itself.
        if (live.holderOf(place.receiver, place.slot) === epoch) {
          if (holding !== undefined) zombies.push(holding.epoch)
          holding = { epoch, position: live.cursor(place.receiver, place.slot, 'one') ?? 0 }
          write(cursor(epoch, holding.position), ...live.older(place.receiver, place.slot, epoch))
        } else {
          write({ kind: 'claim', ...place, epoch, gone: true })
        }
      } else if (holding !== undefined) {
        holding.position++
        write(cursor(holding.epoch, holding.position))
        const zombie = zombies[random(zombies.length + 1)]
        if (zombie !== undefined) write(cursor(zombie, 1_000))
      }
    }
    const whole = read(records)
    for (let clean = 0; clean <= records.length; clean += 3) {
      const { holder, cursors } = read(compacted(records, clean))
      expect([holder, cursors]).toEqual([whole.holder, whole.cursors])
    }
  }
})

test('of two entries for one topic the first one counts, until it is taken back', () => {
  const topic = (slots: number, gone?: true): ControlRecord => ({
    kind: 'topic',
    topic: 'orders/paid',
    slots,
    ...(gone === undefined ? {} : { gone }),
  })
  expect(read([topic(4), topic(8), topic(8, true), topic(4)]).state.slotsOf('orders/paid')).toBe(4)
  const entry = (id: string, first: number): ControlRecord => ({
    kind: 'receiver',
    receiver: 'r:a',
    topic: 't',
    id,
    workflowName: 'w',
    positions: [first],
  })
  const { state } = read([entry('x', 10), entry('y', 11)])
  expect(state.receiverTopic('r:a', 't')?.positions).toEqual([10])
  for (const record of state.removal('r:a')) state.apply(record)
  expect([...state.receivers()]).toEqual([])
})
