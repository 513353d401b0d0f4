/** Attack: bodies that are too large, too slow, too deep or not what they say. */
import { describe, expect, it } from 'vitest'
import { openShop } from './shop.ts'

const headers = { 'content-type': 'application/json', 'x-workflow-webui': '1' }
const post = { method: 'POST', headers }

describe('bodies', () => {
  it('that are too large are refused, whether they say so or not', async () => {
    await using shop = await openShop({ limits: { bodyBytes: 1_000 } })
    const path = `/workflows/orders/runs/${await shop.paid('a')}/actions`
    const large = JSON.stringify({ action: 'pause', reason: 'x'.repeat(1_000) })
    const tooLarge = { status: 413, body: { error: { code: 'TooLarge' } } }
    expect(await shop.send(path, { ...post, body: large })).toMatchObject(tooLarge)
    expect(await shop.send(path, { method: 'POST', headers: { ...headers, 'content-length': '1e9' }, body: '{}' })).toMatchObject(tooLarge)
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent++
        controller.enqueue(new Uint8Array(100).fill(32))
      },
    })
    expect(await shop.send(path, { ...post, body: endless, duplex: 'half' })).toMatchObject(tooLarge)
    expect(sent).toBeLessThan(20)
  })

  it('that do not come are not waited for', async () => {
    await using shop = await openShop({ limits: { bodyMs: 20 } })
    const path = `/workflows/orders/runs/${await shop.paid('a')}/actions`
    let cancelled = false
    const silent = new ReadableStream<Uint8Array>({ cancel: () => void (cancelled = true) })
    expect(await shop.send(path, { ...post, body: silent, duplex: 'half' })).toMatchObject({
      status: 408,
      body: { error: { code: 'TooSlow' } },
    })
    expect(cancelled).toBe(true)
  })

  it('that are not JSON in UTF-8 are refused', async () => {
    await using shop = await openShop()
    const path = `/workflows/orders/runs/${await shop.paid('a')}/actions`
    const notJson = { status: 415, body: { error: { code: 'NotJson' } } }
    for (const body of ['', '{', '{"action":"pause","reason":"x"', 'action=pause&reason=x', new Uint8Array([0xff, 0xfe])])
      expect(await shop.send(path, { ...post, body }), String(body)).toMatchObject(notJson)
    const good = JSON.stringify({ action: 'pause', reason: 'x' })
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/json-seq'])
      expect(await shop.send(path, { method: 'POST', headers: { ...headers, 'content-type': type }, body: good }), type).toMatchObject(
        notJson,
      )
    expect(await shop.send(path, { method: 'POST', headers: { 'x-workflow-webui': '1' } })).toMatchObject(notJson)
  })

  it('that are deep or try to reach prototypes are refused', async () => {
    await using shop = await openShop()
    const path = `/workflows/orders/runs/${await shop.paid('a')}/actions`
    const deep = `{"action":"pause","reason":${'['.repeat(30_000)}${']'.repeat(30_000)}}`
    expect((await shop.post(path, deep)).status).toBe(400)
    for (const key of ['__proto__', 'constructor', 'prototype'])
      expect((await shop.post(path, `{"action":"pause","reason":"x","${key}":{"readOnly":true}}`)).status, key).toBe(400)
    expect(({} as { readOnly?: boolean }).readOnly).toBeUndefined()
  })

  it('that break off are no failure of the server, and not logged', async () => {
    await using shop = await openShop()
    const path = `/workflows/orders/runs/${await shop.paid('a')}/actions`
    const broken = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"a')),
      pull: (controller) => controller.error(new Error('aborted')),
    })
    expect((await shop.send(path, { ...post, body: broken, duplex: 'half' })).status).toBe(400)
    expect(shop.lines).toEqual([])
  })
})

it('a history of large objects comes in pages that a server can hold', async () => {
  await using shop = await openShop()
  const runId = await shop.paid('large', { object: { card: 'x'.repeat(900_000) } })
  for (let i = 0; i < 5; i++) {
    await shop.app.pause(runId, { actor: 'ann', reason: 'x' })
    await shop.app.resume(runId, { actor: 'ann', reason: 'x' })
  }
  const path = `/workflows/orders/runs/${runId}/history?objects=true`
  const versions: number[] = []
  let cursor: string | undefined
  do {
    const { body } = await shop.get(cursor === undefined ? path : `${path}&cursor=${cursor}`)
    const page = body as { readonly items: readonly { readonly version: number }[]; readonly cursor?: string }
    expect(JSON.stringify(page).length).toBeLessThan(8_000_000)
    versions.push(...page.items.map(({ version }) => version))
    cursor = page.cursor
  } while (cursor !== undefined)
  expect(versions).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
})
