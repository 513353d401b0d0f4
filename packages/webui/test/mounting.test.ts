/** The handler in real servers: what it answers there is what it answers by itself. In Next: next.long.test.ts. */
import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { toNodeListener, type WebUi } from '../src/index.ts'
import { checkMounted } from './mounted.ts'
import { openShop, site } from './shop.ts'

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
      await app.register((scope, _, done) => {
        // Bodies are the handler's own to read.
        scope.removeAllContentTypeParsers()
        scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null))
        for (const path of ['/admin', '/admin/*'])
          scope.all(path, (request, reply) => {
            reply.hijack()
            toNodeListener(ui)(request.raw, reply.raw)
          })
        done()
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
]

describe.each(mounts)('in %s', (_, mount) => {
  it('runs are read and changed, and changes are followed', async () => {
    await using shop = await openShop({ basePath: '/admin' })
    const { url, close } = await mount(shop.ui)
    try {
      await checkMounted(`${url}/admin`, { workflow: 'orders', runId: await shop.paid('größe/1'), foreignId: 'größe/1' })
    } finally {
      await close()
    }
  })
})

it('knows a page of its own by the host that the browser asked, where a framework puts another into the address', async () => {
  await using shop = await openShop()
  const ask = async (origin: string): Promise<number> => (await shop.get('/session', { origin, host: 'flows.example.com' })).status
  expect(await ask('https://flows.example.com')).toBe(200)
  expect(await ask(site)).toBe(200)
  for (const other of ['https://example.com', 'https://flows.example.com.evil.test', 'null', 'none', 'file://'])
    expect(await ask(other)).toBe(403)
})
