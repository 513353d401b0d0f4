/** Life goes on: an order every now and then, so that there is something to watch. */
import { setTimeout as sleep } from 'node:timers/promises'
import { fateOf, foreignIdOf, orderOf } from './fate.ts'
import { decide, sendParcels, type Shop } from './seed.ts'

const everyMs = 1_500
const thinkingMs = 4_000

/** Takes orders in from `first` on, until `stop` is aborted. */
export async function live(shop: Shop, first: number, stop: AbortSignal): Promise<void> {
  const waiting: { readonly runId: string; readonly number: number; readonly dueMs: number }[] = []
  for (let number = first; !stop.aborted; number++) {
    const runId = await shop.orders.trigger(foreignIdOf(number), orderOf(number))
    waiting.push({ runId, number, dueMs: Date.now() + thinkingMs })
    while (waiting[0] !== undefined && waiting[0].dueMs <= Date.now()) {
      const { runId: due, number: which } = waiting.shift() as (typeof waiting)[number]
      // Somebody may have been faster, on the pages.
      await decide(shop, due, fateOf(which)).catch(() => undefined)
    }
    await sendParcels(shop).catch(() => undefined)
    await sleep(everyMs, undefined, { signal: stop }).catch(() => undefined)
  }
}
