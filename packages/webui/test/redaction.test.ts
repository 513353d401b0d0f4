/** Nothing that `redact` keeps back leaves the server, by whatever way. */
import { unchecked, workflow } from '@workflow/core'
import { memory } from '@workflow/core/memory'
import { inspect } from 'node:util'
import { number, object } from 'valibot'
import { expect, it } from 'vitest'
import { type Redact, webui } from '../src/index.ts'
import { asking, openShop, quiet, site } from './shop.ts'

const secret = '4222'

async function everything(shop: Awaited<ReturnType<typeof openShop>>): Promise<string> {
  const runId = await shop.refused('r')
  const path = `/workflows/orders/runs/${runId}`
  await shop.app.pause(runId, { actor: 'bob', reason: `card ${secret}` })
  const paid = await shop.paid('p', { object: { card: secret }, metadata: { card: secret } })
  await shop.app.cancel(paid, { actor: 'bob', reason: `card ${secret}` })
  const ways = [path, `${path}/history?objects=true`, `${path}/history`, `${path}/explanation`, `${path}/timers`, `${path}/children`]
  const more = [
    `/workflows/orders/runs/${paid}`,
    `/workflows/orders/runs/${paid}/history`,
    '/workflows/orders/runs',
    '/overview',
    '/workflows/orders',
    '/workflows/orders/analytics',
  ]
  const answers = await Promise.all([...ways, ...more].map((way) => shop.get(way)))
  expect(answers.map(({ status }) => status)).toEqual([...ways, ...more].map(() => 200))
  const acted = await shop.post(`${path}/actions`, { action: 'pause', reason: 'again' })
  return JSON.stringify([...answers, acted].map(({ body }) => body as unknown))
}

it('without it, everything is shown', async () => {
  await using shop = await openShop()
  expect(await everything(shop)).toContain(secret)
})

it('with it, only what it gives back is', async () => {
  const cut = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll(secret, '…'))
  const seen = new Set<string>()
  const redact: Redact = ({ kind, value }, run) => {
    expect(run).toMatchObject({ workflowName: 'orders', foreignId: expect.stringMatching(/^[pr]$/) })
    seen.add(kind)
    return cut(value)
  }
  await using shop = await openShop({ redact: { orders: redact } })
  const text = await everything(shop)
  expect(text).not.toContain(secret)
  expect(text).toContain('"value":{"card":"…"')
  expect(text).toContain('card … was refused')
  expect([...seen].sort()).toEqual(['error', 'metadata', 'object', 'reason'])
})

const failing: readonly (readonly [string, Redact, boolean])[] = [
  [
    'throws',
    () => {
      throw new Error('no')
    },
    true,
  ],
  ['hides', () => undefined, false],
  ['gives back a promise', ({ value }) => Promise.resolve(value), true],
]
it.each(failing)('what %s shows nothing', async (_, redact, logged) => {
  await using shop = await openShop({
    redact: (piece, run) => (piece.kind === 'object' && redact === failing[2]?.[1] ? undefined : redact(piece, run)),
  })
  const text = await everything(shop)
  expect(text).not.toContain(secret)
  expect(text).toContain('{"kind":"hidden"}')
  expect(shop.lines.some(({ level }) => level === 'error')).toBe(logged)
})

it('what hangs on an error of redact stays out of the log', async () => {
  await using shop = await openShop({
    redact: ({ value }) => {
      throw Object.assign(new Error('nothing fits'), { value })
    },
  })
  await everything(shop)
  const logged = inspect(shop.lines, { depth: 9 })
  expect(logged).toContain('nothing fits')
  expect(logged).not.toContain(secret)
})

it('messages that quote a stored object are hidden with it', async () => {
  const strict = { object: object({ total: number() }), graph: { new: { callback: ['done'] }, done: {} } } as const
  const loose = workflow('sums', { ...strict, object: unchecked<{ total: unknown }>() })
  const ports = memory()
  await using app = loose.addCallback('new', async () => 'done').build({ ...ports, logger: quiet })
  const runId = await app.trigger('sum', { initialValue: { total: secret } })
  await app.cancel(runId, { actor: 'bob', reason: 'odd' })
  const client = workflow('sums', strict).client({ ...ports, logger: quiet })
  const answers = async (redact?: Redact): Promise<string> => {
    const options = { workflows: [client], unsafeNoAuth: true, origins: [site], logger: quiet, ...(redact === undefined ? {} : { redact }) }
    const { get, post } = asking(webui(options))
    const path = `/workflows/sums/runs/${runId}`
    const bulk = { action: 'retry', reason: 'x', runs: [{ runId, ifVersion: 2 }] }
    const all = [
      await get(path),
      await get(`${path}/history?objects=true`),
      await post(`${path}/actions`, { action: 'retry', reason: 'x' }),
    ]
    return JSON.stringify([...all, await post('/workflows/sums/bulk', bulk)].map(({ body }) => body as unknown))
  }
  expect(await answers()).toContain(secret)
  const hidden = await answers(() => undefined)
  expect(hidden).not.toContain(secret)
  expect(hidden.match(/"code":"Validation"/g)).toHaveLength(2)
})
