/** Attack: clients that send or take as little as they can, for as long as they can. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { VirtualClock } from '@workflow/testing'
import { expect, it, onTestFinished } from 'vitest'
import { toNodeListener, type WebUi } from '../src/index.ts'
import { EventStream } from '../src/server/event-stream.ts'
import { openShop } from './shop.ts'

async function serve(ui: WebUi): Promise<number> {
  const server = createServer(toNodeListener(ui)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return (server.address() as AddressInfo).port
}

function open(port: number, bytes: string): { readonly socket: Socket; readonly text: () => string } {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => void (text += chunk))
  socket.on('error', () => undefined)
  socket.write(bytes)
  return { socket, text: () => text }
}

const head = (path: string, length: number): string =>
  `POST /api/v1${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Workflow-Webui: 1\r\nContent-Length: ${length}\r\n\r\n`

it('a hundred bodies that never come are answered and let go, and others are served meanwhile', async () => {
  await using shop = await openShop({ limits: { bodyMs: 100 } })
  const path = `/workflows/orders/runs/${await shop.paid('a')}/actions`
  const port = await serve(shop.ui)
  const slow = Array.from({ length: 100 }, () => open(port, `${head(path, 1_000)}{"action`))
  expect((await fetch(`http://127.0.0.1:${port}/api/v1/session`)).status).toBe(200)
  await Promise.all(slow.map(async ({ socket }) => socket.closed || (await once(socket, 'close'))))
  for (const { text } of slow) expect(text()).toMatch(/^HTTP\/1\.1 408 /)
  expect(shop.lines).toEqual([])
})

it('a body that is too large is answered before it has come, and its connection ends', async () => {
  await using shop = await openShop({ limits: { bodyBytes: 1_000 } })
  const path = `/workflows/orders/runs/${await shop.paid('a')}/actions`
  const port = await serve(shop.ui)
  const chunked = head(path, 0).replace('Content-Length: 0', 'Transfer-Encoding: chunked')
  for (const bytes of [head(path, 1_000_000), `${chunked}800\r\n${' '.repeat(2_048)}\r\n`]) {
    const { socket, text } = open(port, bytes)
    await once(socket, 'close')
    expect(text()).toMatch(/^HTTP\/1\.1 413 /)
    expect(text()).toContain('"TooLarge"')
  }
})

it('clients that leave in the middle of anything leave nothing behind, and nothing in the log', async () => {
  await using shop = await openShop({ limits: { streams: 1 } })
  const runId = await shop.paid('a')
  const port = await serve(shop.ui)
  const get = (path: string): string => `GET /api/v1${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
  const rejections: unknown[] = []
  const note = (error: unknown): void => void rejections.push(error)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  const action = `/workflows/orders/runs/${runId}/actions`
  for (const bytes of [head(action, 500), `${head(action, 500)}{"a`, get('/overview'), get('/changes'), get('/workflows/orders/runs')]) {
    const { socket } = open(port, bytes)
    await once(socket, 'connect')
    await fetch(`http://127.0.0.1:${port}/api/v1/session`)
    socket.destroy()
    await once(socket, 'close')
  }
  // The one stream that may be open is free again.
  await expect.poll(async () => (await shop.get('/changes')).status, { interval: 10 }).toBe(200)
  expect(rejections).toEqual([])
  expect(shop.lines).toEqual([])
})

it('a reader that takes nothing costs a buffer with a limit, and is told to refresh instead of what it has missed', async () => {
  const clock = new VirtualClock()
  let ended = 0
  const stream = new EventStream(
    clock,
    () => 'refresh\n\n',
    () => void ended++,
  )
  for (let i = 0; i < 100_000; i++) stream.send(`event ${i}\n\n`)
  const reader = stream.body.getReader()
  const read = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value)
  const events = (await read()).split('\n\n').slice(0, -1)
  expect(events[0]).toBe('refresh')
  expect(events.length).toBeLessThanOrEqual(1_000)
  expect(events.at(-1)).toBe('event 99999')
  // It has come back to life: what happens from here on it gets as it comes.
  await clock.advance(4 * 15_000)
  stream.send('last\n\n')
  expect(await read()).toBe(':\n\nlast\n\n')
  expect(ended).toBe(0)
  await clock.advance(6 * 15_000)
  expect(ended).toBe(1)
})
