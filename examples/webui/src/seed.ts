/** Fills a shop: orders that are through, that wait, that have failed, that somebody has paused, cancelled or deleted. */
import type { Workflow } from '@workflow/core'
import type { Order, orders, parcels } from './shop.contract.ts'

const cities = ['Bonn', 'Kiel', 'Ulm', 'Jena']
const customers = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Tony']

function orderOf(i: number): Order {
  const base = {
    customer: customers[i % customers.length] ?? 'Ada',
    cents: i % 41 === 0 ? 0 : 900 + ((i * 137) % 9_000),
    parcels: 1 + (i % 3),
  }
  return i % 29 === 3 ? { ...base, trouble: 'card' } : base
}

/** Starts `count` orders, and resolves once each is where it belongs. */
export async function seed(shop: Workflow<typeof orders>, post: Workflow<typeof parcels>, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, i) => `order-${10_000 + i}`)
  const started = await shop.triggerMany(
    ids.map((foreignId, i) => ({ foreignId, initialValue: orderOf(i), metadata: { city: cities[i % cities.length] ?? 'Bonn' } })),
  )
  for (const [i, result] of started.entries()) {
    if (!('runId' in result) || result.runId === undefined || i % 41 === 0) continue
    const { runId } = result
    await shop.await(runId, 'checked')
    if (i % 7 === 1) await shop.pause(runId, { actor: 'ann', reason: 'the address is being asked for' })
    else if (i % 11 === 2) await shop.cancel(runId, { actor: 'bob', reason: 'the customer has changed their mind' })
    else if (i % 5 !== 4) await shop.callback({ runId }, 'checked', undefined)
  }
  await sendParcels(post)
}

async function sendParcels(post: Workflow<typeof parcels>): Promise<void> {
  for (let cursor: string | undefined; ; ) {
    const page = await post.list({ status: ['packed'], limit: 500, ...(cursor === undefined ? {} : { cursor }) })
    await Promise.all(
      page.items.filter(({ foreignId }) => !foreignId.endsWith('7/1')).map(({ runId }) => post.callback({ runId }, 'packed', undefined)),
    )
    cursor = page.cursor
    if (cursor === undefined) return
  }
}
