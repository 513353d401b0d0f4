/** Timeout stores that are wrong about one thing. */
import { timerId, type StoredTimer, type TimeoutStore, type Timer, type TimerOp } from '@workflow/core/adapter'
import type { TimersChanger } from '../memory-harness.ts'
import { mutant, type Mutant } from './mutant.ts'

/** Changes operations on their way in. */
function applying(change: (op: TimerOp, store: TimeoutStore) => readonly TimerOp[] | Promise<readonly TimerOp[]>): TimersChanger {
  return (store) => ({ ...store, apply: async (ops) => store.apply((await Promise.all(ops.map(async (op) => change(op, store)))).flat()) })
}

/** Changes what is due on its way out. */
function due(change: (timers: readonly Timer[], store: TimeoutStore) => readonly Timer[] | Promise<readonly Timer[]>): TimersChanger {
  return (store) => ({
    ...store,
    due: async (query, page) => {
      const read = await store.due(query, page)
      return { ...read, items: await change(read.items, store) }
    },
  })
}

async function all(store: TimeoutStore): Promise<readonly StoredTimer[]> {
  return (await store.list({}, { limit: 1_000 })).items
}

async function find(store: TimeoutStore, key: Timer['key']): Promise<StoredTimer | undefined> {
  return (await store.list({ owner: key.owner }, { limit: 1_000 })).items.find((timer) => timerId(timer.key) === timerId(key))
}

export const timeoutStoreMutants: readonly Mutant<TimersChanger>[] = [
  mutant(
    'forgets the data of timers with an attempt',
    applying((op) => {
      if (!('put' in op)) return [op]
      const { data: _data, ...put } = op.put
      return [{ put: op.put.attempt > 0 ? put : op.put }]
    }),
    'a timer that was put is due at its time, as it was given',
  ),
  mutant(
    'moves a timer that is put again',
    applying(async (op, store) =>
      'put' in op && (await find(store, op.put.key))?.status === 'open'
        ? [{ move: op.put.key, at: op.put.at, attempt: op.put.attempt }]
        : [op],
    ),
    'a timer that is put again is left as it is',
  ),
  mutant(
    'opens a timer that has ended when it is put again',
    (store) => {
      const reopened: Timer[] = []
      return {
        ...store,
        apply: async (ops) => {
          for (const op of ops) if ('put' in op && (await find(store, op.put.key))?.status === 'completed') reopened.push(op.put)
          await store.apply(ops)
        },
        due: async (query, page) => {
          const read = await store.due(query, page)
          return { ...read, items: [...read.items, ...reopened] }
        },
      }
    },
    'a timer that has ended stays ended when it is put again',
  ),
  mutant(
    'keeps the last outcome of a timer',
    (store) => {
      const outcomes = new Map<string, 'completed' | 'cancelled'>()
      return {
        ...store,
        apply: async (ops) => {
          await store.apply(ops)
          for (const op of ops) if ('settle' in op) outcomes.set(timerId(op.settle), op.as)
        },
        list: async (query, page) => {
          const read = await store.list(query, page)
          return {
            ...read,
            items: read.items.map((timer) =>
              timer.status === 'open' ? timer : { ...timer, status: outcomes.get(timerId(timer.key)) ?? timer.status },
            ),
          }
        },
      }
    },
    'the first outcome of a timer stays',
  ),
  mutant(
    'forgets why a timer was moved',
    applying((op) => ('move' in op ? [{ move: op.move, at: op.at, attempt: op.attempt }] : [op])),
    'a moved timer has its new time, attempt and data',
  ),
  mutant(
    'puts an unknown timer that is moved',
    applying(async (op, store) =>
      'move' in op && (await find(store, op.move)) === undefined
        ? [{ put: { key: op.move, workflowName: 'orders', slot: 0, at: op.at, held: false, attempt: op.attempt } }]
        : [op],
    ),
    'moving an unknown or ended timer does nothing',
  ),
  mutant(
    'counts held timers as the next expiry',
    (store) => ({
      ...store,
      nextExpiry: async (query) => {
        const held = (await all(store)).find(
          (timer) => timer.held && timer.at.getUTCFullYear() === 2026 && timer.key.kind === 'timeout' && timer.attempt === 0,
        )
        return (await store.nextExpiry(query)) === undefined ? undefined : (held?.at ?? store.nextExpiry(query))
      },
    }),
    'a held timer is not due, and is due at once when it is released late',
  ),
  mutant(
    'puts every timer as not held',
    applying((op) => ('put' in op && op.put.attempt === 0 ? [{ put: { ...op.put, held: false } }] : [op])),
    'a timer may be put as held, and moved while it is held',
  ),
  mutant(
    'puts before it does anything else',
    (store) => ({ ...store, apply: (ops) => store.apply([...ops.filter((op) => 'put' in op), ...ops.filter((op) => !('put' in op))]) }),
    'holding, releasing and cancelling take the open timers of one owner at that point',
  ),
  mutant(
    'takes names without their case',
    applying((op) =>
      'put' in op ? [{ put: { ...op.put, key: { ...op.put.key, name: op.put.key.name === 'N' ? 'n' : op.put.key.name } } }] : [op],
    ),
    'timers are the same only when every part of their key is',
  ),
  mutant(
    'applies operations one by one',
    (store) => ({
      ...store,
      apply: async (ops) => {
        for (const op of ops) await store.apply([op])
      },
    }),
    'of operations that cannot be applied none is applied',
  ),
  mutant(
    'does not include the instant that it is asked for',
    (store) => ({
      ...store,
      due: (query, page) =>
        store.due(query.before.getTime() % 1_000 === 2 ? { ...query, before: new Date(query.before.getTime() - 1) } : query, page),
    }),
    'timers are due by their time, then by the order in which they were put',
  ),
  mutant(
    'sorts timers of one instant by owner',
    due((timers) =>
      timers.length === 7 && timers.every(({ at }) => at.getTime() === timers[0]?.at.getTime())
        ? timers.toSorted((a, b) => (a.key.owner < b.key.owner ? -1 : 1))
        : timers,
    ),
    'timers of one instant come in the order in which they were put',
  ),
  mutant(
    'takes no slots for all slots',
    (store) => ({
      ...store,
      nextExpiry: (query) => store.nextExpiry(query.slots.length === 0 ? { ...query, slots: [0, 1, 2, 3] } : query),
    }),
    'slots and workflows are apart',
  ),
  mutant(
    'finds no expiry of this century',
    (store) => ({
      ...store,
      nextExpiry: async (query) => {
        const next = await store.nextExpiry(query)
        return next !== undefined && next.getUTCFullYear() > 2038 ? undefined : next
      },
    }),
    'the next expiry is the earliest of the open timers, past or future',
  ),
  mutant(
    'loses the last timer of a page that is not the last',
    (store) => ({
      ...store,
      due: async (query, page) => {
        const read = await store.due(query, page)
        return read.next === undefined || page.limit !== 4 ? read : { ...read, items: read.items.slice(0, -1) }
      },
    }),
    'pages of due timers hold every open one once while timers end and move away',
  ),
  mutant(
    'lists timers by their time',
    (store) => ({
      ...store,
      list: async (query, page) => {
        const read = await store.list(query, page)
        return read.items.some(({ workflowName }) => workflowName === 'refunds')
          ? { ...read, items: read.items.toSorted((a, b) => a.at.getTime() - b.at.getTime()) }
          : read
      },
    }),
    'timers are listed in the order in which they were put, by owner and status',
  ),
  mutant(
    'takes a token that nobody gave as none',
    (store) => ({ ...store, list: (query, page) => store.list(query, page).catch(() => ({ items: [] })) }),
    'a page token that nobody gave is refused',
  ),
  mutant(
    'does not say that a timer was released',
    (store) => {
      let quiet = false
      return {
        ...store,
        apply: async (ops) => {
          quiet = ops.some((op) => 'release' in op)
          await store.apply(ops)
        },
        onChange: (wake) =>
          store.onChange?.(() => {
            if (!quiet) wake()
          }) ?? { [Symbol.dispose]: () => undefined },
      }
    },
    'a listener hears of timers that were put, moved or released, until it is disposed',
  ),
  mutant(
    'loses a timer in ten thousand',
    applying((op) => ('put' in op && op.put.key.owner === 'owner-4321' ? [] : [op])),
    'very many pending timers are all there, in order, with the earliest at hand',
  ),
  mutant(
    'hears nothing of what others settle',
    (store) => {
      const own = new Map<string, Timer>()
      return {
        ...store,
        apply: async (ops) => {
          for (const op of ops) if ('put' in op && op.put.key.name === 'first') own.set(timerId(op.put.key), op.put)
          await store.apply(ops)
        },
        due: async (query, page) => {
          const read = await store.due(query, page)
          return {
            ...read,
            items: [
              ...[...own.values()].filter(({ key }) => !read.items.some((timer) => timerId(timer.key) === timerId(key))),
              ...read.items,
            ],
          }
        },
      }
    },
    'an instance sees the timers of another one',
  ),
  mutant(
    'keeps outcomes in its own process',
    (store) => {
      const settled = new Set<string>()
      return {
        ...store,
        apply: async (ops) => {
          for (const op of ops) if ('settle' in op) settled.add(timerId(op.settle))
          await store.apply(ops)
        },
        list: async (query, page) => {
          const read = await store.list(query, page)
          return {
            ...read,
            items: read.items.map((timer) =>
              timer.key.name === 'ended' && !settled.has(timerId(timer.key)) ? { ...timer, status: 'open' as const } : timer,
            ),
          }
        },
      }
    },
    'timers are there after closing and opening again',
  ),
]
