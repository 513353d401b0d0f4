/** Runs created per minute, whichever way they are counted. */
import { expect, it } from 'vitest'
import { CreatedCounts } from '../src/server/overview.ts'
import { settingsOf } from '../src/server/settings.ts'
import { WatchedWorkflow } from '../src/server/watched-workflow.ts'
import { openShop } from './shop.ts'

it('is the same from a list as by counting, and what is over is counted once', async () => {
  await using shop = await openShop()
  for (const id of ['a', 'b', 'c']) await shop.paid(id)
  const workflow = new WatchedWorkflow(shop.app, settingsOf({ workflows: [shop.app], unsafeNoAuth: true }))
  // Within the window, also if a minute has just begun.
  const now = Date.now() + 5 * 60_000
  const listed = await new CreatedCounts(workflow).upTo(now)
  const counting = new CreatedCounts(workflow, 2)
  const counted = await counting.upTo(now)
  expect(listed).toHaveLength(30)
  expect(listed.reduce((a, b) => a + b)).toBe(3)
  expect(counted).toEqual(listed)
  let asked = 0
  const ask = workflow.ask.bind(workflow)
  workflow.ask = (question) => {
    asked++
    return ask(question)
  }
  expect(await counting.upTo(now)).toEqual(listed)
  expect(asked).toBe(2)
  expect(await counting.upTo(now + 60 * 60_000)).toEqual(Array.from({ length: 30 }, () => 0))
})
