/** Attack: what comes by a socket and no client of HTTP would send; and names that are made to point to this machine. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { serveWebUi } from '../src/index.ts'
import { openShop, orders, quiet } from './shop.ts'
import { memory } from '@workflow/core/memory'

/** What comes back for these bytes until the connection ends. */
async function exchange(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.setEncoding('latin1')
  let text = ''
  socket.on('data', (chunk: string) => void (text += chunk))
  socket.on('error', () => undefined)
  socket.write(bytes)
  await once(socket, 'close')
  return text
}

const open = () => serveWebUi({ workflows: [orders.client({ ...memory(), logger: quiet })], logger: quiet, print: false })

describe('a server of its own', () => {
  it('prints where it is, answers there, and leaves nothing behind', async () => {
    const lines: string[] = []
    const workflows = [orders.client({ ...memory(), logger: quiet })]
    const served = await serveWebUi({ workflows, print: (line) => void lines.push(line), basePath: '/admin' })
    expect(lines).toEqual([`Workflow's web UI is at ${served.url}/ and its API at ${served.url}/api/v1`])
    expect(served.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/admin$/)
    expect(await (await fetch(`${served.url}/api/v1/session`)).json()).toMatchObject({ actor: 'anonymous' })
    const stream = await fetch(`${served.url}/api/v1/changes`)
    await Promise.all([served.close(), served.close()])
    await stream.text()
    await expect(fetch(`${served.url}/api/v1/session`)).rejects.toThrow('fetch failed')
  })

  it('is not opened to others without authorize', async () => {
    const workflows = [orders.client({ ...memory(), logger: quiet })]
    for (const host of ['0.0.0.0', '::', '192.0.2.1'])
      await expect(serveWebUi({ workflows, host, print: false }), host).rejects.toThrow('authorize')
    await expect(serveWebUi({ workflows, colour: 'red' } as never)).rejects.toThrow('no option "colour"')
  })

  it('answers no name that somebody else has made point to this machine', async () => {
    await using served = await open()
    const ask = (host: string): Promise<string> =>
      exchange(served.url, `GET /api/v1/session HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    for (const host of ['evil.test', 'localhost.evil.test', '127.0.0.1.evil.test', 'evil.test:80'])
      expect(await ask(host), host).toMatch(/^HTTP\/1\.1 403 /)
    for (const host of ['localhost', '127.0.0.1:1', 'LOCALHOST:80', '[::1]:80']) expect(await ask(host), host).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('refuses what is no request, and goes on', async () => {
    await using served = await open()
    const end = 'Connection: close\r\n\r\n'
    const refused = [
      `GET /api/v1/session HTTP/1.1\r\nHost: a b\r\n${end}`,
      `GET /api/v1/session HTTP/1.1\r\nHost: localhost/evil\r\n${end}`,
      `GET /api/v1/session HTTP/1.1\r\nHost: user@localhost\r\n${end}`,
      `GET http://evil.test/api/v1/session HTTP/1.1\r\nHost: localhost\r\n${end}`,
      `TRACE /api/v1/session HTTP/1.1\r\nHost: localhost\r\n${end}`,
      `GET /api/v1/session HTTP/1.1\r\nHost: localhost\r\nX: ${'y'.repeat(20_000)}\r\n${end}`,
      `POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n${end}`,
      'complete nonsense\r\n\r\n',
    ]
    for (const bytes of refused) expect(await exchange(served.url, bytes), bytes.slice(0, 80)).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect((await fetch(`${served.url}/api/v1/session`)).status).toBe(200)
  })

  it('takes no part of a body that it has refused for the next request', async () => {
    await using served = await open()
    const smuggled = 'GET /api/v1/session HTTP/1.1\r\nHost: localhost\r\n\r\n'
    const bytes = `POST /api/v1/workflows/orders/bulk HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n${smuggled}`
    const text = await exchange(served.url, bytes)
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(text).toMatch(/^HTTP\/1\.1 403 /)
  })
})

it('a client that goes away in the middle of a stream makes room for another', async () => {
  await using shop = await openShop({ limits: { streams: 1 } })
  await using served = await serveWebUi({
    workflows: [shop.app],
    authorize: () => ({ actor: 'ann', permissions: ['view'] }),
    limits: { streams: 1 },
    print: false,
  })
  const stop = new AbortController()
  expect((await fetch(`${served.url}/api/v1/changes`, { signal: stop.signal })).status).toBe(200)
  expect((await fetch(`${served.url}/api/v1/changes`)).status).toBe(503)
  stop.abort()
  await expect.poll(async () => (await fetch(`${served.url}/api/v1/changes`, { method: 'GET' })).status, { interval: 20 }).toBe(200)
})
