/** A shop on a busy afternoon, as the pages show it at their best and at their fullest: for pictures, and for what has to fit. */
import { after, unchecked, workflow } from '@workflow/core'
import { type Clock, systemClock } from '@workflow/core/adapter'
import { memory, memoryDatabase } from '@workflow/core/memory'
import { webui } from '../../src/index.ts'
import { quiet } from '../shop.ts'

interface Order {
  readonly customer: string
  readonly cents: number
  readonly parcels: number
  readonly paymentId?: string
  readonly trouble?: boolean
}

const parcels = workflow('parcels', {
  object: unchecked<{ readonly order: string; readonly weightGrams: number }>(),
  graph: { packed: { callback: ['sent'] }, sent: { callback: ['arrived', 'lost'] }, arrived: {}, lost: {} },
})

const orders = workflow('orders', {
  object: unchecked<Order>(),
  graph: {
    received: { step: ['checked', 'rejected'] },
    checked: { callback: ['paid', 'received'], timeout: ['expired'] },
    paid: { step: ['packing'] },
    packing: { join: ['delivered'] },
    delivered: {},
    rejected: {},
    expired: {},
  },
  children: { packing: parcels },
})

const orderDefinition = orders
  .addStep('received', async (run) => (run.object.cents === 0 ? 'rejected' : 'checked'))
  .addCallback('checked', async (run) => {
    run.object = { ...run.object, paymentId: `pay-${run.foreignId}` }
    return 'paid'
  })
  .addTimeout(
    'checked',
    async () => after('2d'),
    async () => 'expired',
  )
  .addStep(
    'paid',
    async (run) => {
      if (run.object.trouble === true) throw new Error(`the bank refuses to settle ${run.object.paymentId ?? ''}: card expired`)
      for (let i = 1; i <= run.object.parcels; i++)
        run.startChild(parcels, `${run.foreignId}/${i}`, { initialValue: { order: run.foreignId, weightGrams: 400 * i } })
      return 'packing'
    },
    { pauseAfterErrCount: 3, errBackOff: '2ms' },
  )
  .addJoin('packing', async () => 'delivered')

const parcelDefinition = parcels.addCallback('packed', async () => 'sent').addCallback('sent', async () => 'arrived')

const cities = ['Bonn', 'Kiel', 'Ulm', 'Jena']
const customers = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Tony']

/** They come in waves. */
function arrival(i: number): number {
  return i + 12 * (1 - Math.cos(i / 20))
}

function isTrouble(i: number): boolean {
  return i % 19 === 3 && i % 23 !== 5
}

/** Real time, but for how long ago it is said to be: so that the ages in a picture are not all 'now'. */
function clockOfThePast(): { readonly clock: Clock; readonly setAgo: (ms: number) => void } {
  let agoMs = 0
  return { clock: { ...systemClock, now: () => systemClock.now() - agoMs }, setAgo: (ms) => void (agoMs = ms) }
}

/** `count` orders of the last half hour and a little before, and a run that is worth a look. */
export async function openGallery(count: number) {
  const { clock, setAgo } = clockOfThePast()
  const infrastructure = { ...memory({ database: memoryDatabase(), clock, leaseDuration: '1d' }), clock, logger: quiet, instance: 'shop-1' }
  const [shop, post] = [orderDefinition.build({ ...infrastructure, autoResume: false }), parcelDefinition.build(infrastructure)]
  const ui = webui({
    workflows: [shop, post],
    authorize: () => ({ actor: 'ann', permissions: ['view', 'act', 'delete'] }),
    logger: quiet,
    clock,
  })
  // The server hears what happens only while somebody reads of it.
  const reading = new AbortController()
  setAgo(2_460_000)
  const { body } = await ui(new Request('http://ui.test/api/v1/changes', { signal: reading.signal }))
  void body?.pipeTo(new WritableStream()).catch(() => undefined)
  const place = async (i: number): Promise<string> => {
    const object: Order = {
      customer: customers[i % customers.length] ?? '',
      cents: i % 23 === 5 ? 0 : 900 + ((i * 137) % 9_000),
      parcels: 1 + (i % 3),
      ...(isTrouble(i) ? { trouble: true } : {}),
    }
    return await shop.trigger(`order-${10_000 + i}`, { initialValue: object, metadata: { city: cities[i % cities.length] ?? '' } })
  }
  const go = async (i: number, runId: string): Promise<void> => {
    if (i % 23 === 5) return
    await shop.await(runId, 'checked')
    if (isTrouble(i)) await shop.callback({ runId }, 'checked', undefined, { wait: true })
    else if (i % 13 === 1) await shop.pause(runId, { actor: 'ann', reason: 'the address is being asked for' })
    else if (i % 17 === 2) await shop.cancel(runId, { actor: 'bob', reason: 'the customer has changed their mind' })
    else if (i % 5 !== 4) await shop.callback({ runId }, 'checked', undefined, { wait: true })
  }
  const send = async (): Promise<void> => {
    const { items } = await post.list({ status: ['packed', 'sent'], order: 'oldest', limit: 20 })
    for (const { runId, status } of items)
      if (status === 'packed' || status === 'sent') await post.callback({ runId }, status, undefined, { wait: true })
  }
  await Promise.all([shop.run(), post.run()])
  const troubled: string[] = []
  for (let i = 0; i < count; i++) {
    const agoMs = 2_400_000 * (1 - arrival(i) / arrival(count)) + 2_000
    setAgo(agoMs)
    const runId = await place(i)
    if (isTrouble(i)) troubled.push(runId)
    setAgo(agoMs - 1_900)
    await go(i, runId)
    if (i % 4 === 3) await send()
  }
  setAgo(0)
  const isPaused = async (runId: string): Promise<boolean> => (await shop.lookup(runId))?.state === 'Paused'
  for (const runId of troubled) while (!(await isPaused(runId))) await new Promise((resolve) => setImmediate(resolve))
  const { items: packing } = await shop.list({ status: 'packing', limit: 1 })
  return {
    shop,
    ui,
    /** A run that the engine has paused, and one that waits for its parcels. */
    failing: troubled.at(-1) ?? '',
    waiting: packing[0]?.runId ?? '',
    async [Symbol.asyncDispose](): Promise<void> {
      reading.abort()
      await ui.close()
      await Promise.all([shop.stop(), post.stop()])
    },
  }
}
