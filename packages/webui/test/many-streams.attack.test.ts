/** Attack: a thousand event streams, by real connections. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { toNodeListener } from '../src/index.ts'
import { openShop } from './shop.ts'

interface Follower {
  readonly socket: Socket
  readonly text: () => string
}

async function follow(port: number): Promise<Follower> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => void (text += chunk))
  socket.on('error', () => undefined)
  socket.write('GET /api/v1/changes?workflow=orders HTTP/1.1\r\nHost: localhost\r\n\r\n')
  while (!text.includes('\r\n\r\n')) await once(socket, 'data')
  return { socket, text: () => text }
}

it('a thousand streams are served, one more is refused, and all of them make room again', async () => {
  const streams = 1_000
  await using shop = await openShop({ limits: { streams } })
  const server = createServer(toNodeListener(shop.ui)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const followers: Follower[] = []
  for (let i = 0; i < streams; i += 50) followers.push(...(await Promise.all(Array.from({ length: 50 }, () => follow(port)))))
  for (const { text } of followers) expect(text()).toMatch(/^HTTP\/1\.1 200 /)
  const refused = await follow(port)
  expect(refused.text()).toMatch(/^HTTP\/1\.1 503 [^]*retry-after: 5/)
  refused.socket.destroy()
  // The first is told that there may be more than it knows, once somebody follows what the runs do.
  await expect.poll(() => followers[0]?.text(), { interval: 20, timeout: 10_000 }).toContain('event: refresh')
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < 5; i++) await shop.paid(`seen by all ${i}`)
  expect((await fetch(`http://127.0.0.1:${port}/api/v1/overview`)).status).toBe(200)
  await expect.poll(() => followers.every(({ text }) => text().includes('seen by all 4')), { interval: 20, timeout: 10_000 }).toBe(true)
  // Far below what a copy of the buffers for each would take.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(200_000_000)
  for (const { socket } of followers) socket.destroy()
  await expect
    .poll(async () => (await Promise.all(Array.from({ length: 10 }, () => shop.get('/changes')))).every(({ status }) => status === 200), {
      interval: 20,
      timeout: 10_000,
    })
    .toBe(true)
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
  expect(shop.lines).toEqual([])
})
