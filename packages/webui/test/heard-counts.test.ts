/** What the overview says of runs that have ended: heard, not looked for. */
import { expect, test } from 'vitest'
import type { HeardJson } from '../src/api/workflow-json.ts'
import { HeardCounts } from '../src/server/heard-counts.ts'
import { openShop, site } from './shop.ts'

const minute = 60_000

test('runs are counted in the minute in which they were heard of, thirty minutes back', () => {
  const heard = new HeardCounts(minute + 30_000)
  heard.add('Completed', minute + 40_000)
  heard.add('Running', minute + 40_000)
  heard.add('Paused', 3 * minute)
  heard.add('Cancelled', 3 * minute)
  heard.add('Completed', 3 * minute)
  expect(heard.upTo(3 * minute + 1)).toEqual({
    since: new Date(minute + 30_000).toISOString(),
    completed: [1, 0, 1],
    cancelled: [0, 0, 1],
    paused: [0, 0, 1],
  })
  const late = heard.upTo(31 * minute)
  expect([late.since, late.completed.length, late.completed[0], late.completed[1]]).toEqual([new Date(2 * minute).toISOString(), 30, 0, 1])
  heard.add('Completed', 40 * minute)
  expect(heard.upTo(40 * minute).completed.reduce((a, b) => a + b)).toBe(1)
})

test('a clock that goes back gives the minute in hand', () => {
  expect(new HeardCounts(10 * minute).upTo(5 * minute).completed).toEqual([0])
})

test('the overview has them while somebody follows the changes', async () => {
  await using unheard = await openShop()
  expect(await firstOf(unheard)).not.toHaveProperty('heard')
  await using shop = await openShop()
  const stop = new AbortController()
  const { body } = await shop.ui(new Request(`${site}/api/v1/changes`, { signal: stop.signal }))
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const until = async (part: string): Promise<void> => {
    while (!text.includes(part)) text += (await reader?.read())?.value ?? ''
  }
  await until('event: refresh')
  await shop.done('a')
  await shop.app.pause(await shop.paid('b'), { actor: 'ann', reason: 'wait' })
  await until('"Paused"')
  await until('"Completed"')
  const { heard } = (await firstOf(shop)) as { readonly heard: HeardJson }
  // A minute may end while this runs.
  const sums = [heard.completed, heard.cancelled, heard.paused].map((counts) => counts.reduce((a, b) => a + b))
  expect(sums).toEqual([1, 0, 1])
  stop.abort()
})

async function firstOf({ get }: Pick<Awaited<ReturnType<typeof openShop>>, 'get'>): Promise<object | undefined> {
  return ((await get('/overview')).body as { readonly workflows: readonly object[] }).workflows[0]
}
