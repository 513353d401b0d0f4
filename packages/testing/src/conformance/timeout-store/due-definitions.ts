/** What is due, in which order, and when next. */
import { checkEqual, checkRejects, checkThat } from '../check.ts'
import { allPages } from '../paging.ts'
import { newId, workflowName } from '../runs.ts'
import { afterNoon, newTimer, noon, puts } from '../timers.ts'
import { allDue, allTimersOf, namesOf } from './timeout-store-reading.ts'
import type { TimeoutStoreCase } from './timeout-store-scope.ts'

const timersDefault = 20_000
const chunk = 2_000

/** Cases about reading timers. */
export const dueDefinitions: readonly TimeoutStoreCase[] = [
  {
    name: 'timers are due by their time, then by the order in which they were put',
    test: async ({ openStore }) => {
      const store = await openStore()
      const times = [5, 1, 3, 1, 5, 1, 2, 3]
      for (const [n, ms] of times.entries())
        await store.apply([{ put: newTimer({ at: afterNoon(ms), slot: n % 4, key: { name: `${ms}-${n}`, owner: `owner-${9 - n}` } }) }])
      const expected = ['1-1', '1-3', '1-5', '2-6', '3-2', '3-7', '5-0', '5-4']
      for (const limit of [1, 3, 100])
        checkEqual(
          namesOf(await allDue(store, afterNoon(5), [0, 1, 2, 3], limit)),
          expected,
          `due timers come by their time, then by the order of their put (${limit} at a time)`,
        )
      checkEqual(namesOf(await allDue(store, afterNoon(2))), expected.slice(0, 4), '`before` includes its instant')
    },
  },
  {
    name: 'timers of one instant come in the order in which they were put',
    test: async ({ openStore }) => {
      const store = await openStore()
      const timers = Array.from({ length: 50 }, (_, n) => newTimer({ slot: n % 3, key: { owner: `owner-${(n * 7) % 50}`, name: `${n}` } }))
      await store.apply(puts(timers.slice(0, 30)))
      await store.apply(puts(timers.slice(30)))
      checkEqual(
        namesOf(await allDue(store, noon, [0, 1, 2], 7)),
        namesOf(timers),
        'timers of one instant come in the order of their put, each once',
      )
    },
  },
  {
    name: 'slots and workflows are apart',
    test: async ({ openStore }) => {
      const store = await openStore()
      await store.apply(
        puts([
          newTimer({ slot: 0, key: { name: 'zero' } }),
          newTimer({ slot: 1, at: afterNoon(-1), key: { name: 'one' } }),
          newTimer({ slot: 0, at: afterNoon(-2), workflowName: 'refunds', key: { name: 'refund' } }),
        ]),
      )
      checkEqual(namesOf(await allDue(store, noon, [0])), ['zero'], 'due keeps to its slots and its workflow')
      checkEqual(namesOf(await allDue(store, noon, [1])), ['one'], 'due keeps to its slots and its workflow')
      checkEqual(namesOf(await allDue(store, noon, [])), [], 'no slots match nothing')
      const nextOf = (slots: readonly number[], name = workflowName): Promise<Date | undefined> =>
        store.nextExpiry({ workflowName: name, slots })
      checkEqual(
        [await nextOf([0]), await nextOf([0, 1]), await nextOf([2]), await nextOf([]), await nextOf([0], 'refunds')],
        [noon, afterNoon(-1), undefined, undefined, afterNoon(-2)],
        'nextExpiry keeps to its slots and its workflow',
      )
    },
  },
  {
    name: 'the next expiry is the earliest of the open timers, past or future',
    test: async ({ openStore }) => {
      const store = await openStore()
      const next = (): Promise<Date | undefined> => store.nextExpiry({ workflowName, slots: [0] })
      checkEqual(await next(), undefined, 'nextExpiry of nothing is undefined')
      const [late, early] = [newTimer({ at: new Date(Date.UTC(2099, 0, 1)) }), newTimer({ at: new Date(Date.UTC(1999, 0, 1)) })]
      await store.apply([{ put: late }])
      checkEqual(await next(), late.at, 'nextExpiry finds a timer of the far future')
      await store.apply([{ put: early }])
      checkEqual(await next(), early.at, 'nextExpiry finds a timer of the past')
      await store.apply([{ move: early.key, at: afterNoon(1), attempt: 1 }])
      checkEqual(await next(), afterNoon(1), 'nextExpiry follows a move')
      await store.apply([{ settle: early.key, as: 'completed' }])
      checkEqual(await next(), late.at, 'nextExpiry forgets a settled timer')
      await store.apply([{ cancelOwner: late.key.owner }])
      checkEqual(await next(), undefined, 'nextExpiry forgets a cancelled timer')
    },
  },
  {
    name: 'pages of due timers hold every open one once while timers end and move away',
    test: async ({ openStore }) => {
      const store = await openStore()
      const timers = Array.from({ length: 30 }, (_, n) => newTimer({ at: afterNoon(Math.trunc(n / 5)), key: { name: `${n}` } }))
      await store.apply(puts(timers))
      let turn = 0
      const change = async (): Promise<void> => {
        const [seen, coming] = [timers[turn * 4], timers[29 - turn]]
        turn++
        if (seen !== undefined) await store.apply([{ settle: seen.key, as: 'completed' }])
        if (coming !== undefined && turn < 4) await store.apply([{ move: coming.key, at: afterNoon(100), attempt: 1 }])
      }
      const seen = namesOf(await allPages((page) => store.due({ workflowName, slots: [0], before: afterNoon(50) }, page), 4, change))
      checkEqual(seen, namesOf(timers).slice(0, 27), 'pages of due timers skip and repeat nothing; moved ones drop out')
    },
  },
  {
    name: 'timers are listed in the order in which they were put, by owner and status',
    test: async ({ openStore }) => {
      const store = await openStore()
      const owner = newId('owner')
      const timers = [5, 1, 3].map((ms, n) => newTimer({ at: afterNoon(ms), key: { owner, name: `${n}` } }))
      const other = newTimer({ workflowName: 'refunds', key: { name: 'other' } })
      await store.apply([...puts([...timers, other]), { settle: timers[1]?.key ?? other.key, as: 'cancelled' }])
      checkEqual(namesOf(await allTimersOf(store)), ['0', '1', '2', 'other'], 'list goes by the order of the put, of both statuses')
      checkEqual(namesOf(await allTimersOf(store, owner, 'open')), ['0', '2'], 'list keeps to its owner and status')
      checkEqual(
        (await allTimersOf(store, owner, 'settled')).map(({ key, status }) => [key.name, status]),
        [['1', 'cancelled']],
        'list keeps to its owner and status',
      )
      checkEqual(
        namesOf(await allPages((page) => store.list({ workflowName: 'refunds' }, page), 1)),
        ['other'],
        'list keeps to its workflow',
      )
      checkEqual(
        namesOf(await allPages((page) => store.list({ owner }, page), 1)),
        ['0', '1', '2'],
        'pages of a list skip and repeat nothing',
      )
    },
  },
  {
    name: 'a page token that nobody gave is refused',
    test: async ({ openStore }) => {
      const store = await openStore()
      for (const after of ['nonsense', '', '0']) {
        await checkRejects(
          () => store.due({ workflowName, slots: [0], before: noon }, { limit: 10, after }),
          'InvalidArgument',
          `a text that no page gave is an InvalidArgument (${JSON.stringify(after)})`,
        )
        await checkRejects(
          () => store.list({}, { limit: 10, after }),
          'InvalidArgument',
          `a text that no page gave is an InvalidArgument (${JSON.stringify(after)})`,
        )
      }
    },
  },
  {
    name: 'a listener hears of timers that were put, moved or released, until it is disposed',
    test: async ({ openStore, eventually }) => {
      const store = await openStore()
      if (store.onChange === undefined) return
      const calls: (number | undefined)[] = []
      const listener = store.onChange((soonestMs) => {
        calls.push(soonestMs)
      })
      const timer = newTimer()
      for (const [what, ops, at] of [
        ['put', [{ put: timer }], timer.at],
        ['move', [{ move: timer.key, at: afterNoon(1), attempt: 1 }], afterNoon(1)],
        ['release', [{ hold: timer.key.owner }, { release: timer.key.owner }], new Date(0)],
        ['put of several', [{ put: newTimer({ at: afterNoon(9) }) }, { put: newTimer({ at: afterNoon(3) }) }], afterNoon(3)],
      ] as const) {
        const before = calls.length
        await store.apply(ops)
        await eventually(() => calls.length > before, `\`onChange\` calls back after a ${what}`)
        const soonest = Math.min(...calls.slice(before).map((told) => told ?? Number.NEGATIVE_INFINITY))
        checkEqual(soonest <= at.getTime(), true, `\`onChange\` says after a ${what} when the soonest timer comes due, or nothing`)
      }
      listener[Symbol.dispose]()
      const before = calls.length
      await store.apply([{ put: newTimer() }])
      checkEqual(calls.length, before, 'a disposed listener is called no more')
    },
  },
  {
    name: 'very many pending timers are all there, in order, with the earliest at hand',
    test: async ({ openStore, sizes, backend }) => {
      const store = await openStore()
      const count = sizes.timers ?? timersDefault
      // A step that is coprime to the count visits every instant once, far from the order of time.
      const step = 7_919
      for (let from = 0; from < count; from += chunk) {
        const timers = Array.from({ length: Math.min(chunk, count - from) }, (_, n) =>
          newTimer({
            at: afterNoon(((from + n) * step) % count),
            slot: (from + n) % 4,
            key: { owner: `owner-${from + n}`, name: 'expired' },
          }),
        )
        await store.apply(puts(timers))
      }
      const started = backend.time.clock.monotonic()
      for (let n = 0; n < 20; n++) {
        checkEqual(await store.nextExpiry({ workflowName, slots: [0, 1, 2, 3] }), noon, 'nextExpiry finds the earliest of very many')
        const page = await store.due({ workflowName, slots: [0, 1, 2, 3], before: afterNoon(9) }, { limit: 5 })
        checkEqual(
          page.items.map(({ at }) => at.getTime() - noon.getTime()),
          [0, 1, 2, 3, 4],
          'due finds the earliest of very many',
        )
      }
      checkThat(
        backend.time.clock.monotonic() - started < 5_000,
        'reading what is due does not take longer because much is pending',
        'forty short reads took more than 5 s',
      )
      let [seen, last] = [0, -1]
      await allPages(async (page) => {
        const due = await store.due({ workflowName, slots: [0, 1, 2, 3], before: afterNoon(count) }, page)
        for (const { at } of due.items) {
          const ms = at.getTime() - noon.getTime()
          checkThat(ms > last, 'due timers come by their time', `${ms} after ${last}`)
          last = ms
          seen++
        }
        return { ...due, items: [] }
      }, 1_000)
      checkEqual(seen, count, 'every pending timer is due in the end')
    },
  },
  {
    name: 'an instance sees the timers of another one',
    needs: ['multiInstance'],
    test: async ({ openStore }) => {
      const [one, two] = [await openStore(), await openStore()]
      const [first, second] = [newTimer({ key: { name: 'first' } }), newTimer({ key: { name: 'second' } })]
      await one.apply([{ put: first }])
      await two.apply([{ put: second }])
      for (const store of [one, two])
        checkEqual(namesOf(await allDue(store)), ['first', 'second'], 'timers of all instances are due everywhere, in one order')
      await two.apply([{ settle: first.key, as: 'completed' }])
      checkEqual(namesOf(await allDue(one)), ['second'], 'a timer that one instance settled is due nowhere')
    },
  },
  {
    name: 'timers are there after closing and opening again',
    needs: ['persistent'],
    test: async ({ open }) => {
      const instance = await open()
      const [waiting, ended] = [newTimer({ key: { name: 'waiting' } }), newTimer({ key: { name: 'ended' } })]
      await instance.port.apply([...puts([waiting, ended]), { settle: ended.key, as: 'completed' }])
      await instance.close()
      const { port } = await open()
      checkEqual(await allDue(port), [waiting], 'timers are durable')
      checkEqual(
        (await allTimersOf(port)).map(({ status }) => status),
        ['open', 'completed'],
        'timers are durable, settled ones as well',
      )
    },
  },
]
