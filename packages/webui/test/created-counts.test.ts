/** Runs created per minute: what is counted, and how little is looked at for it. */
import { unchecked, workflow } from '@workflow/core'
import { memory } from '@workflow/core/memory'
import { VirtualClock } from '@workflow/testing'
import { expect, it } from 'vitest'
import { CreatedCounts } from '../src/server/created-counts.ts'
import { settingsOf } from '../src/server/settings.ts'
import { WatchedWorkflow } from '../src/server/watched-workflow.ts'
import { quiet } from './shop.ts'

const minuteMs = 60_000

/** A workflow whose runs begin when the test says. */
function openTimes() {
  const clock = new VirtualClock()
  const contract = workflow('times', { object: unchecked<number>(), graph: { a: { callback: ['b'] }, b: {} } })
  const client = contract.client({ ...memory({ clock }), logger: quiet, clock })
  const watched = new WatchedWorkflow(client, settingsOf({ workflows: [client], unsafeNoAuth: true, logger: quiet }))
  const pages: number[] = []
  const ask = watched.ask.bind(watched)
  const away = { is: false }
  watched.ask = async (question) => {
    if (away.is) throw new Error('away')
    const answer = await ask(question)
    pages.push((answer as { readonly items: readonly unknown[] }).items.length)
    return answer
  }
  let ids = 0
  const begin = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await client.trigger(`f${ids++}`, { initialValue: 0 })
  }
  return { clock, watched, away, pages, begin, now: () => clock.now(), [Symbol.asyncDispose]: () => client.close() }
}

const none = (count: number): number[] => Array.from({ length: count }, () => 0)

it('are counted once, and later looks go through what is new', async () => {
  await using times = openTimes()
  const counts = new CreatedCounts(times.watched)
  expect(await counts.upTo(times.now())).toEqual(none(30))
  await times.begin(3)
  await times.clock.advance(minuteMs)
  await times.begin(2)
  expect(await counts.upTo(times.now())).toEqual([...none(28), 3, 2])
  await times.begin(1)
  times.pages.length = 0
  expect(await Promise.all([counts.upTo(times.now()), counts.upTo(times.now())])).toEqual([1, 2].map(() => [...none(28), 3, 3]))
  expect(times.pages).toHaveLength(2)
  await times.clock.advance(29 * minuteMs)
  expect(await counts.upTo(times.now())).toEqual([3, ...none(29)])
  await times.clock.advance(minuteMs)
  expect(await counts.upTo(times.now())).toEqual(none(30))
})

it('are known no further back than was looked, and never counted by half', async () => {
  await using times = openTimes()
  await times.begin(5)
  await times.clock.advance(minuteMs)
  await times.begin(4)
  await times.clock.advance(minuteMs)
  await times.begin(3)
  const counts = new CreatedCounts(times.watched, 8)
  expect(await counts.upTo(times.now())).toEqual([4, 3])
  await times.clock.advance(minuteMs)
  await times.begin(7)
  expect(await counts.upTo(times.now())).toEqual([4, 3, 7])
  await times.clock.advance(minuteMs)
  await times.begin(9)
  // More than one look goes through: this minute is not known as a whole, and nothing before it.
  expect(await counts.upTo(times.now())).toEqual([])
  await times.clock.advance(minuteMs)
  await times.begin(2)
  expect(await counts.upTo(times.now())).toEqual([2])
})

it('are those of a look that failed when it is done again', async () => {
  await using times = openTimes()
  const counts = new CreatedCounts(times.watched)
  await times.begin(2)
  times.away.is = true
  await expect(counts.upTo(times.now())).rejects.toThrow('away')
  times.away.is = false
  expect((await counts.upTo(times.now())).at(-1)).toBe(2)
})
