/** Timers open once, end once, and stay ended. */
import { checkEqual, checkRejects } from '../check.ts'
import { newId, payload, workflowName } from '../runs.ts'
import { afterNoon, newKey, newTimer, noon, puts } from '../timers.ts'
import { allDue, allTimersOf, namesOf } from './timeout-store-reading.ts'
import type { TimeoutStoreCase } from './timeout-store-scope.ts'

/** Cases about opening, moving and ending timers. */
export const settlingDefinitions: readonly TimeoutStoreCase[] = [
  {
    name: 'a timer that was put is due at its time, as it was given',
    test: async ({ openStore }) => {
      const store = await openStore()
      const timer = newTimer({
        at: afterNoon(1),
        attempt: 3,
        slot: 2,
        data: payload('x', { schema: 4, subject: 's' }),
        key: { kind: 'schedule', epoch: 7, name: 'daily/1%' },
      })
      await store.apply([{ put: timer }])
      checkEqual(await allDue(store, noon), [], 'a timer is not due before its time')
      checkEqual(await allDue(store, afterNoon(1)), [timer], 'a timer is due at its time, to the millisecond, as it was given')
      checkEqual(await allTimersOf(store), [{ ...timer, status: 'open' }], 'a timer that was put is open')
    },
  },
  {
    name: 'a timer that is put again is left as it is',
    test: async ({ openStore }) => {
      const store = await openStore()
      const timer = newTimer({ data: payload('first') })
      await store.apply([{ put: timer }])
      await store.apply([{ put: { ...timer, at: afterNoon(5), slot: 3, attempt: 9, held: true, data: payload('second') } }])
      checkEqual(await allTimersOf(store), [{ ...timer, status: 'open' }], 'a put of a known key changes nothing')
    },
  },
  {
    name: 'a timer that has ended stays ended when it is put again',
    test: async ({ openStore }) => {
      const store = await openStore()
      const [completed, cancelled] = [newTimer(), newTimer()]
      await store.apply(puts([completed, cancelled]))
      await store.apply([
        { settle: completed.key, as: 'completed' },
        { settle: cancelled.key, as: 'cancelled' },
      ])
      await store.apply(puts([completed, cancelled]))
      checkEqual(
        (await allTimersOf(store)).map(({ status }) => status),
        ['completed', 'cancelled'],
        'a put of a settled key changes nothing',
      )
      checkEqual(
        [await allDue(store), await store.nextExpiry({ workflowName, slots: [0] })],
        [[], undefined],
        'a settled timer is never due',
      )
    },
  },
  {
    name: 'the first outcome of a timer stays',
    test: async ({ openStore }) => {
      const store = await openStore()
      const timer = newTimer()
      await store.apply([{ settle: timer.key, as: 'completed' }])
      checkEqual(await allTimersOf(store), [], 'settling an unknown timer does nothing')
      await store.apply([{ put: timer }])
      await store.apply([{ settle: timer.key, as: 'cancelled' }])
      await store.apply([{ settle: timer.key, as: 'completed' }, { cancelOwner: timer.key.owner }])
      checkEqual(await allTimersOf(store), [{ ...timer, status: 'cancelled' }], 'settling a settled timer does nothing')
    },
  },
  {
    name: 'a moved timer has its new time, attempt and data',
    test: async ({ openStore }) => {
      const store = await openStore()
      const timer = newTimer()
      await store.apply([{ put: timer }])
      await store.apply([{ move: timer.key, at: afterNoon(9), attempt: 2, data: payload('why') }])
      checkEqual(await allDue(store, afterNoon(8)), [], 'a moved timer is not due at its old time')
      checkEqual(
        await allDue(store, afterNoon(9)),
        [{ ...timer, at: afterNoon(9), attempt: 2, data: payload('why') }],
        'a moved timer is due at its new time',
      )
      await store.apply([{ move: timer.key, at: afterNoon(-9), attempt: 3 }])
      const [moved] = await allDue(store, afterNoon(-9))
      checkEqual([moved?.at, moved?.attempt], [afterNoon(-9), 3], 'a timer may be moved to an earlier time, too')
    },
  },
  {
    name: 'moving an unknown or ended timer does nothing',
    test: async ({ openStore }) => {
      const store = await openStore()
      const timer = newTimer()
      await store.apply([{ put: timer }, { settle: timer.key, as: 'completed' }])
      await store.apply([
        { move: timer.key, at: afterNoon(-1), attempt: 2 },
        { move: newKey(), at: noon, attempt: 1 },
      ])
      checkEqual(await allTimersOf(store), [{ ...timer, status: 'completed' }], 'moving a settled or unknown timer does nothing')
      checkEqual(await allDue(store), [], 'moving a settled or unknown timer opens nothing')
    },
  },
  {
    name: 'a held timer is not due, and is due at once when it is released late',
    test: async ({ openStore }) => {
      const store = await openStore()
      const owner = newId('owner')
      const [held, other] = [newTimer({ key: { owner } }), newTimer({ at: afterNoon(1) })]
      await store.apply([...puts([held, other]), { hold: owner }])
      checkEqual(namesOf(await allDue(store, afterNoon(1))).length, 1, 'a held timer is never due')
      checkEqual(await store.nextExpiry({ workflowName, slots: [0] }), afterNoon(1), 'a held timer is no next expiry')
      checkEqual(
        (await allTimersOf(store, owner)).map(({ status, held: isHeld, at }) => [status, isHeld, at]),
        [['open', true, noon]],
        'a held timer is open and keeps its time',
      )
      await store.apply([{ release: owner }])
      checkEqual(
        (await allDue(store, afterNoon(0))).map(({ key, held: isHeld }) => [key, isHeld]),
        [[held.key, false]],
        'a released timer is due at once if its time has passed',
      )
    },
  },
  {
    name: 'a timer may be put as held, and moved while it is held',
    test: async ({ openStore }) => {
      const store = await openStore()
      const timer = newTimer({ held: true })
      await store.apply([{ put: timer }])
      checkEqual(
        [await allDue(store), await store.nextExpiry({ workflowName, slots: [0] })],
        [[], undefined],
        'a timer that is put as held is not due',
      )
      await store.apply([{ move: timer.key, at: afterNoon(-5), attempt: 1 }])
      checkEqual(await allDue(store), [], 'moving does not release')
      await store.apply([{ release: timer.key.owner }])
      checkEqual((await allDue(store, afterNoon(-5))).length, 1, 'a released timer is due at the time that it was moved to')
    },
  },
  {
    name: 'holding, releasing and cancelling take the open timers of one owner at that point',
    test: async ({ openStore }) => {
      const store = await openStore()
      const [owner, other] = [newId('owner'), newId('owner')]
      const named = (name: string, of = owner): ReturnType<typeof newTimer> => newTimer({ key: { owner: of, name } })
      await store.apply([
        ...puts([named('a'), named('b'), named('x', other)]),
        { settle: named('b').key, as: 'completed' },
        { hold: owner },
        { put: named('c') },
      ])
      checkEqual(
        [...namesOf(await allDue(store))].sort(),
        ['c', 'x'],
        'hold takes the open timers of its owner at its point of the sequence',
      )
      await store.apply([{ cancelOwner: owner }, { put: named('d') }, { release: owner }])
      checkEqual(
        [...namesOf(await allDue(store))].sort(),
        ['d', 'x'],
        'cancelOwner takes the open timers of its owner, held ones as well, at its point of the sequence',
      )
      checkEqual(
        (await allTimersOf(store, owner)).map(({ key, status }) => [key.name, status]),
        [
          ['a', 'cancelled'],
          ['b', 'completed'],
          ['c', 'cancelled'],
          ['d', 'open'],
        ],
        'cancelOwner leaves settled timers as they are',
      )
      checkEqual(
        (await allTimersOf(store, other)).map(({ status }) => status),
        ['open'],
        'cancelOwner leaves other owners alone',
      )
    },
  },
  {
    name: 'timers are the same only when every part of their key is',
    test: async ({ openStore }) => {
      const store = await openStore()
      const owner = newId('owner')
      const key = { kind: 'timeout', owner, epoch: 1, name: 'n' } as const
      const keys = [
        key,
        { ...key, kind: 'retry' as const },
        { ...key, epoch: 2 },
        { ...key, name: 'N' },
        { ...key, name: 'n ' },
        { ...key, name: '1/n' },
        { ...key, owner: `${owner}/1`, name: 'n' },
        { ...key, owner: `${owner}%2F1` },
        { ...key, name: 'é' },
        { ...key, name: 'e\u0301' },
      ]
      await store.apply(puts(keys.map((each) => newTimer({ key: each }))))
      checkEqual(
        (await allTimersOf(store)).map((timer) => timer.key),
        keys,
        'two timers are the same only when kind, owner, epoch and name are',
      )
      await store.apply([{ settle: keys[3] ?? key, as: 'completed' }])
      checkEqual(
        (await allTimersOf(store, undefined, 'settled')).map((timer) => timer.key.name),
        ['N'],
        'settling takes exactly one timer',
      )
    },
  },
  {
    name: 'of operations that cannot be applied none is applied',
    test: async ({ openStore }) => {
      const store = await openStore()
      const timer = newTimer()
      const bad = newTimer({ at: new Date(Number.NaN) })
      for (const [what, ops] of [
        ['an invalid date', puts([timer, bad])],
        ['a NUL', puts([timer, newTimer({ key: { name: 'a\0b' } })])],
        ['a lone surrogate', [...puts([timer]), { cancelOwner: '\udfff' }]],
        ['an unknown kind', puts([timer, newTimer({ key: { kind: 'sundial' as never } })])],
      ] as const) {
        const [, neighbour] = await Promise.all([
          checkRejects(() => store.apply(ops), 'InvalidArgument', `operations that cannot be applied throw InvalidArgument (${what})`),
          store.apply([{ put: newTimer({ key: { owner: 'neighbour', name: what } }) }]).then(() => 'applied'),
        ])
        checkEqual(neighbour, 'applied', 'invalid operations concern nobody but themselves')
        checkEqual(await allTimersOf(store, timer.key.owner), [], `operations apply all or none (${what})`)
      }
      checkEqual((await allTimersOf(store, 'neighbour')).length, 4, 'invalid operations concern nobody but themselves')
    },
  },
]
