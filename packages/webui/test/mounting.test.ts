/** The handler in real servers: what it answers there is what it answers by itself. */
import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { toNodeListener, type WebUi } from '../src/index.ts'
import { openShop } from './shop.ts'

interface Mounted {
  readonly url: string
  readonly close: () => Promise<void>
}

async function listen(server: Server): Promise<Mounted> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

/** As a route handler of Next exports it: a function of a `Request` per method. */
function nextRoute(ui: WebUi): {
  readonly GET: (request: Request) => Promise<Response>
  readonly POST: (request: Request) => Promise<Response>
} {
  return { GET: ui, POST: ui }
}

const mounts: readonly (readonly [string, (ui: WebUi) => Promise<Mounted>])[] = [
  ['node:http', (ui) => listen(createServer(toNodeListener(ui)))],
  [
    'Express, below a path',
    (ui) => {
      const app = express()
      app.get('/', (_, response) => void response.send('home'))
      app.use('/admin', toNodeListener(ui))
      return listen(createServer(app))
    },
  ],
  [
    'Fastify',
    async (ui) => {
      const app = fastify()
      // Bodies are the handler's own to read.
      app.removeAllContentTypeParsers()
      app.addContentTypeParser('*', (_request, _payload, done) => done(null))
      app.all('/admin/*', (request, reply) => {
        reply.hijack()
        toNodeListener(ui)(request.raw, reply.raw)
      })
      await app.listen({ port: 0, host: '127.0.0.1' })
      return {
        url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
        close: async () => {
          app.server.closeAllConnections()
          await app.close()
        },
      }
    },
  ],
  [
    'Hono',
    async (ui) => {
      const app = new Hono().all('/admin/*', (context) => ui(context.req.raw))
      const port = Promise.withResolvers<number>()
      const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (info) => port.resolve(info.port))
      return {
        url: `http://127.0.0.1:${await port.promise}`,
        close: async () => {
          if ('closeAllConnections' in server) server.closeAllConnections()
          await new Promise((resolve) => server.close(resolve))
        },
      }
    },
  ],
  [
    'route handlers like those of Next',
    (ui) => {
      const { GET, POST } = nextRoute(ui)
      return listen(createServer(toNodeListener((request) => (request.method === 'POST' ? POST(request) : GET(request)))))
    },
  ],
]

describe.each(mounts)('in %s', (_, mount) => {
  it('runs are read and changed, and changes are followed', async () => {
    await using shop = await openShop({ basePath: '/admin' })
    const { url, close } = await mount(shop.ui)
    try {
      const runId = await shop.paid('größe/1')
      const api = `${url}/admin/api/v1`
      const stop = new AbortController()
      const stream = await fetch(`${api}/changes`, { signal: stop.signal })
      const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
      let text = ''
      while (!text.includes('event: refresh')) text += (await reader?.read())?.value ?? ''
      const found = await fetch(`${api}/workflows/orders/runs?foreignId=${encodeURIComponent('größe/1')}`)
      expect(found.headers.get('x-content-type-options')).toBe('nosniff')
      expect(await found.json()).toMatchObject({ items: [{ runId, foreignId: 'größe/1' }] })
      const acted = await fetch(`${api}/workflows/orders/runs/${runId}/actions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-workflow-webui': '1', origin: url },
        body: JSON.stringify({ action: 'pause', reason: 'Prüfung' }),
      })
      expect(await acted.json()).toMatchObject({ run: { state: 'Paused', pause: { reason: 'Prüfung' } } })
      while (!text.includes('"state":"Paused"')) text += (await reader?.read())?.value ?? ''
      const etag = found.headers.get('etag') ?? ''
      expect((await fetch(`${api}/session`, { method: 'HEAD' })).status).toBe(200)
      expect(etag).not.toBe('')
      expect((await fetch(`${api}/nowhere`)).status).toBe(404)
      stop.abort()
    } finally {
      await close()
    }
  })
})
