/** What people get wrong when they mount it for the first time: each is told what to do. */
import express from 'express'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { serveWebUi, toNodeListener } from '../src/index.ts'
import { openShop, site } from './shop.ts'

async function listen(app: express.Express): Promise<string> {
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void (server.closeAllConnections(), server.close()))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a parser of bodies in front of it', async () => {
  await using shop = await openShop({ basePath: '/admin' })
  const runId = await shop.paid('a')
  const url = await listen(express().use(express.json()).use('/admin', toNodeListener(shop.ui)))
  const act = await fetch(`${url}/admin/api/v1/workflows/orders/runs/${runId}/actions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-workflow-webui': '1' },
    body: JSON.stringify({ action: 'pause', reason: 'x' }),
  })
  expect([act.status, await act.json()]).toEqual([
    500,
    { error: { code: 'Internal', message: expect.stringContaining('mount it before whatever parses bodies, like express.json()') } },
  ])
  expect((await shop.app.lookup(runId))?.version).toBe(2)
  // Reading needs no body.
  expect((await fetch(`${url}/admin/api/v1/session`)).status).toBe(200)
})

test('the handler itself where a listener of node:http belongs', async () => {
  await using shop = await openShop()
  const url = await listen(
    express()
      .set('env', 'development')
      .use(shop.ui as never),
  )
  const answer = await fetch(url)
  expect([answer.status, await answer.text()]).toEqual([500, expect.stringContaining('mount toNodeListener(handle)')])
})

test('another basePath than where it is mounted', async () => {
  await using shop = await openShop({ basePath: '/admin' })
  const url = await listen(express().use('/flows', toNodeListener(shop.ui)))
  expect(await (await fetch(`${url}/flows/`)).json()).toMatchObject({
    error: {
      code: 'NotFound',
      message: expect.stringContaining("this web UI answers with the basePath '/admin', which must be where it is mounted"),
    },
  })
  await using bare = await openShop()
  const answer = await bare.ui(new Request(`${site}/admin/`))
  expect(await answer.json()).toMatchObject({ error: { message: expect.stringContaining('answers without a basePath') } })
})

test('a client that has been closed', async () => {
  await using shop = await openShop()
  await shop.client.close()
  expect(await shop.get('/workflows/orders/runs')).toMatchObject({ status: 503, body: { error: { code: 'Stopped' } } })
  const { workflows } = (await shop.get('/overview')).body as { readonly workflows: readonly object[] }
  expect(workflows[0]).toMatchObject({ health: { up: false, message: "workflow 'orders' has been stopped" } })
  expect(workflows[1]).toMatchObject({ health: { up: true } })
})

test.each([
  [undefined, 'serveWebUi takes an object of options'],
  [{ port: '4000' }, 'the port of serveWebUi must be a whole number from 0 to 65535; got "4000"'],
  [{ port: 65_536 }, 'the port of serveWebUi'],
  [{ print: true }, 'print of serveWebUi must be a function of a line, or false; got true'],
  [{ hostname: 'x' }, 'serveWebUi has no option "hostname"'],
])('serveWebUi(%j)', async (options, message) => {
  await using shop = await openShop()
  const given = options === undefined ? undefined : { workflows: [shop.client], print: false, ...options }
  await expect(serveWebUi(given as never)).rejects.toThrow(message)
})
