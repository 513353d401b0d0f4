/** Attack: line breaks in whatever may come into a header, or into a line of an event stream. */
import { describe, expect, it } from 'vitest'
import { openShop, site } from './shop.ts'

const evil = 'x\r\nset-cookie: a=b\r\n\r\nevent: change\ndata: {}\n\n'

describe('texts with line breaks', () => {
  it('never become headers', async () => {
    await using shop = await openShop()
    const encoded = encodeURIComponent(evil)
    const runId = await shop.paid(evil, { metadata: { [evil]: evil } })
    const path = `/workflows/orders/runs/${runId}`
    const answers = [
      await shop.get(`/workflows/${encoded}`),
      await shop.get(`/workflows/orders/runs?cursor=${encoded}`),
      await shop.get(`/workflows/orders/runs?foreignId=${encoded}`),
      await shop.get(`/workflows/orders/runs?${encoded}=1`),
      await shop.get(`/workflows/orders/runs?metadata.${encoded}=${encoded}`),
      await shop.get(`/workflows/orders/runs/${encoded}`),
      await shop.get(path),
      await shop.get(`/changes?workflow=${encoded}`),
      await shop.send(`/${encoded}`, { method: 'PUT' }),
      await shop.post(`${path}/actions`, { action: 'pause', reason: evil }),
      await shop.get(`${path}/history`),
    ]
    for (const { status, headers: sent } of answers) {
      expect(status).toBeLessThan(500)
      expect(sent.get('set-cookie')).toBeNull()
      for (const [name, value] of sent) expect(`${name}: ${value}`).not.toContain('a=b')
    }
  })

  it('end no event, and begin none', async () => {
    await using shop = await openShop()
    const stop = new AbortController()
    const request = new Request(`${site}/api/v1/changes?workflow=orders`, {
      headers: { 'last-event-id': 'x-1\tevent: change' },
      signal: stop.signal,
    })
    const reader = (await shop.ui(request)).body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    const readUntil = async (found: string, times = 1): Promise<void> => {
      while (text.split(found).length <= times) text += (await reader?.read())?.value ?? ''
    }
    // One because that event is not known, one when it is followed what the runs do.
    await readUntil('event: refresh', 2)
    await shop.paid(`${evil}\u2028\u2029\u0085`)
    await readUntil('"status":"paid"')
    stop.abort()
    for (const part of text.split('\n\n').filter((one) => one !== '')) {
      const names = part.split('\n').map((line) => line.slice(0, line.indexOf(':')))
      expect([['retry'], ['id', 'event', 'data'], ['']], part).toContainEqual(names)
    }
    expect(text).not.toContain('\r')
  })
})
