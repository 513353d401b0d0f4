/** Fills a shop: each order is brought to where it belongs, many at a time. */
import type { Workflow } from '@workflow/core'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Fate, fateOf, foreignIdOf, numberOf, orderOf } from './fate.ts'
import type { orders, parcels } from './shop.contract.ts'

export interface Shop {
  readonly orders: Workflow<typeof orders>
  readonly parcels: Workflow<typeof parcels>
}

/** As many as a person with many windows might do at once. */
const atOnce = 64

/** Takes `count` orders in, and resolves once each is where it belongs. */
export async function seed(shop: Shop, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, number) => number)
  const results = await shop.orders.triggerMany(numbers.map((number) => ({ foreignId: foreignIdOf(number), ...orderOf(number) })))
  const runs = results.map((result, number) => {
    if (result.error !== undefined) throw result.error
    return { runId: result.runId, fate: fateOf(number) }
  })
  const having = (...fates: readonly Fate[]): typeof runs => runs.filter(({ fate }) => fates.includes(fate))
  const waitingFor = async (status: string, ...fates: readonly Fate[]): Promise<void> =>
    await until(async () => ((await shop.orders.count('status')).get(status) ?? 0) === having(...fates).length)

  await waitingFor('received')
  await each(runs, ({ runId, fate }) => decide(shop, runId, fate))
  await waitingFor('paid', 'card refused', 'bank away')
  await sendParcels(shop)
  await waitingFor('packing', 'on the way')
  await each(having('deleted'), ({ runId }) =>
    shop.orders.deleteData(runId, { actor: 'ann', reason: 'the customer wishes to be forgotten' }),
  )
  const states = async (state: string): Promise<number> => (await shop.orders.count('state')).get(state) ?? 0
  await until(async () => (await states('DataDeleted')) === having('deleted').length)
  await until(async () => (await states('Paused')) === having('being asked', 'card refused').length)
}

/** What people do about an order that has been checked. */
export async function decide({ orders: shop }: Shop, runId: string, fate: Fate): Promise<void> {
  if (fate === 'unpaid' || fate === 'rejected') return
  if (fate === 'being asked') return await shop.pause(runId, { actor: 'ann', reason: 'the address is being asked for' })
  if (fate === 'cancelled') return await shop.cancel(runId, { actor: 'bob', reason: 'the customer has changed their mind' })
  await shop.callback({ runId }, 'checked', undefined)
}

/** Hands over whatever is packed, but for the last parcel of those that are to stay on the way. */
export async function sendParcels({ parcels: post }: Shop): Promise<void> {
  for (let cursor: string | undefined; ; ) {
    const page = await post.list({ status: ['packed'], limit: 1_000, ...(cursor === undefined ? {} : { cursor }) })
    const sent = page.items.filter(({ foreignId }) => !(foreignId.endsWith('/1') && fateOf(numberOf(foreignId)) === 'on the way'))
    await each(sent, ({ runId }) => post.callback({ runId }, 'packed', undefined))
    cursor = page.cursor
    if (cursor === undefined) return
  }
}

async function each<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < items.length; i += atOnce) await Promise.all(items.slice(i, i + atOnce).map(act))
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(25)
}
