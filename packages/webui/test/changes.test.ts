/** Live events: what comes, what comes again, and what too many or too slow readers cost. */
import { parse } from 'valibot'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from '@workflow/testing'
import { changeJson } from '../src/api/change-json.ts'
import { openShop, site } from './shop.ts'

interface Event {
  readonly id: string
  readonly event: string
  readonly data: { readonly foreignId?: string; readonly status?: string }
}

type Shop = Awaited<ReturnType<typeof openShop>>

/** A reader of the stream of an answer. */
async function follow(shop: Shop, options: { readonly path?: string; readonly headers?: Record<string, string> } = {}) {
  const stop = new AbortController()
  const { path = '/changes', headers = {} } = options
  const response = await shop.ui(new Request(`${site}/api/v1${path}`, { headers, signal: stop.signal }))
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const events: Event[] = []
  return {
    response,
    stop: (): void => stop.abort(),
    cancel: async (): Promise<void> => await reader?.cancel(),
    /** Reads on until there is such an event, and gives back all of them since the beginning. */
    async until(found: (event: Event) => boolean): Promise<readonly Event[]> {
      while (!events.some(found)) {
        const next = await reader?.read()
        if (next?.value === undefined) throw new Error(`the stream ended: ${JSON.stringify(events)}`)
        text += next.value
        const parts = text.split('\n\n')
        text = parts.pop() ?? ''
        for (const part of parts) {
          const fields = new Map(part.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]))
          const [id, event, data] = [fields.get('id'), fields.get('event'), fields.get('data')]
          if (id !== undefined && event !== undefined) events.push({ id, event, data: JSON.parse(data ?? '') as Event['data'] })
        }
      }
      return events
    },
    async end(): Promise<boolean> {
      for (;;) if ((await reader?.read())?.done === true) return true
    },
  }
}

const refresh = ({ event }: Event): boolean => event === 'refresh'
const paid =
  (foreignId: string) =>
  ({ data }: Event): boolean =>
    data.foreignId === foreignId && data.status === 'paid'

describe('changes', () => {
  it('come as they happen, and say nothing of objects', async () => {
    await using shop = await openShop()
    const all = await follow(shop)
    expect(all.response.headers.get('content-type')).toContain('text/event-stream')
    await all.until(refresh)
    await shop.paid('a', { object: { card: '4111' } })
    const events = (await all.until(paid('a'))).filter(({ event }) => event === 'change')
    expect(events.map(({ data }) => data)).toMatchObject([{ status: 'created' }, { workflow: 'orders', status: 'paid' }])
    for (const { data } of events) expect(parse(changeJson, data)).toEqual(data)
  })

  it('go on after the last one that a reader has seen', async () => {
    await using shop = await openShop()
    const first = await follow(shop, { path: '/changes?workflow=orders' })
    await first.until(refresh)
    await shop.paid('a')
    const last = (await first.until(paid('a'))).at(-1)
    first.stop()
    await shop.paid('b')
    const witness = await follow(shop, { path: '/changes?workflow=orders' })
    await shop.paid('c')
    await witness.until(paid('c'))
    const second = await follow(shop, { path: '/changes?workflow=orders', headers: { 'last-event-id': last?.id ?? '' } })
    const events = await second.until(paid('c'))
    expect(events.every(({ event }) => event === 'change')).toBe(true)
    // In order per run; of two runs at once either may be first.
    expect(events.map(({ data }) => data.foreignId ?? '').toSorted((a, b) => a.localeCompare(b))).toEqual(['b', 'b', 'c', 'c'])
  })

  it('go on for a reader who has seen none, from when it came', async () => {
    await using shop = await openShop()
    const first = await follow(shop)
    await first.until(refresh)
    await shop.paid('a')
    await first.until(paid('a'))
    const response = await shop.ui(new Request(`${site}/api/v1/changes`))
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('id: ')) text += (await reader?.read())?.value ?? ''
    const id = /^id: (\S+)$/m.exec(text)?.[1] ?? ''
    await reader?.cancel()
    await shop.paid('b')
    await first.until(paid('b'))
    const again = await follow(shop, { headers: { 'last-event-id': id } })
    const events = await again.until(paid('b'))
    expect(events.map(({ event, data }) => [event, data.foreignId])).toEqual([
      ['change', 'b'],
      ['change', 'b'],
    ])
  })

  it('that cannot be known any more are a refresh', async () => {
    await using shop = await openShop()
    const first = await follow(shop)
    await first.until(refresh)
    for (const id of ['elsewhere-1', 'x', '', '-1', `${'9'.repeat(40)}-1`, `x\u00e9`]) {
      const reader = await follow(shop, { headers: { 'last-event-id': id } })
      expect((await reader.until(refresh)).length, id).toBe(1)
      reader.stop()
    }
  })

  it('of a workflow that is not served are refused', async () => {
    await using shop = await openShop()
    expect((await shop.get('/changes?workflow=refunds')).status).toBe(404)
  })
})

describe('streams', () => {
  it('are so many at most, and each that ends makes room', async () => {
    await using shop = await openShop({ limits: { streams: 100 } })
    const readers = await Promise.all(Array.from({ length: 1_000 }, () => follow(shop)))
    const open = readers.filter(({ response }) => response.status === 200)
    expect(open).toHaveLength(100)
    for (const { response } of readers) expect([200, 503]).toContain(response.status)
    open[0]?.stop()
    await open[1]?.cancel()
    expect((await Promise.all([follow(shop), follow(shop), follow(shop)])).map(({ response }) => response.status)).toEqual([200, 200, 503])
    expect((await shop.get('/session')).status).toBe(200)
  })

  it('end with the server', async () => {
    await using shop = await openShop()
    const reader = await follow(shop)
    await shop.ui.close()
    expect(await reader.end()).toBe(true)
    expect((await shop.get('/changes')).status).toBe(503)
  })

  it('of those who read nothing are let go, and others live on heartbeats for ten minutes', async () => {
    const clock = new VirtualClock()
    await using shop = await openShop({ clock, limits: { streams: 2 } })
    const reads = await follow(shop)
    const ended = reads.end()
    await follow(shop).then(({ response }) => expect(response.status).toBe(200))
    expect((await follow(shop)).response.status).toBe(503)
    await clock.advance(90_000)
    const [third, fourth] = [await follow(shop), await follow(shop)]
    expect([third.response.status, fourth.response.status]).toEqual([200, 503])
    await clock.advance(600_000)
    expect(await ended).toBe(true)
  })
})
