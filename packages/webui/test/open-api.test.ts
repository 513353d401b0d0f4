/** The description says what is answered: every real answer fits its schema, and has no field that the schema does not have. */
import { parse } from 'valibot'
import { expect, it } from 'vitest'
import { errorJson } from '../src/api/error-json.ts'
import { matchOf } from '../src/server/route.ts'
import { routes } from '../src/server/routes.ts'
import { type Answer, openShop } from './shop.ts'

/** Fails for a field that is missing, of another type, or not described. */
function expectDescribed(method: string, path: string, { status, body }: Answer): string {
  expect(status, `${path} ${JSON.stringify(body)}`).toBe(200)
  const { route } = matchOf(routes, method, path.replace(/\?.*$/, ''))
  if (route.answer === undefined) throw new Error(`${route.id} has no schema`)
  expect(parse(route.answer, body), path).toEqual(body)
  return route.id
}

it('every route answers what it says', async () => {
  await using shop = await openShop()
  const paused = await shop.refused('refused')
  const waiting = await shop.paid('paid', { metadata: { city: 'Rome' } })
  const parent = await shop.app.trigger('parent', { initialValue: { parcels: 1 } })
  await shop.app.await(parent, 'packing')
  const done = await shop.done('done')
  await shop.app.pause(waiting, { actor: 'bob', reason: 'look' })
  const run = (id: string, tail = ''): string => `/workflows/orders/runs/${id}${tail}`
  const reads = ['/session', '/overview', '/openapi.json', '/workflows/orders', '/workflows/orders/analytics', '/workflows/orders/runs']
  const each = [paused, waiting, parent, done].flatMap((id) =>
    ['', '/history', '/history?objects=true', '/timers', '/explanation', '/children'].map((tail) => run(id, tail)),
  )
  const seen = new Set<string>()
  for (const path of [...reads, ...each, run(waiting, '/move?to=created')]) seen.add(expectDescribed('GET', path, await shop.get(path)))
  const posts: readonly (readonly [string, unknown])[] = [
    [run(waiting, '/actions'), { action: 'resume', reason: 'fine' }],
    ['/workflows/orders/bulk/preview', { action: 'resume', filter: { state: ['Paused'] } }],
    [
      '/workflows/orders/bulk',
      {
        action: 'resume',
        reason: 'x',
        runs: [
          { runId: paused, ifVersion: 1 },
          { runId: 'none', ifVersion: 1 },
        ],
      },
    ],
  ]
  for (const [path, body] of posts) seen.add(expectDescribed('POST', path, await shop.post(path, body)))
  expect([...seen].sort()).toEqual(routes.flatMap(({ id, answer }) => (answer === undefined ? [] : [id])).sort())
  for (const path of ['/nowhere', run('none'), '/workflows/orders/runs?limit=0']) {
    const { body } = await shop.get(path)
    expect(parse(errorJson, body)).toEqual(body)
  }
})

it('is made of the same routes', async () => {
  await using shop = await openShop()
  const { body } = await shop.get('/openapi.json')
  const { openapi, paths } = body as {
    openapi: string
    paths: Record<string, Record<string, { operationId: string; parameters: object[] }>>
  }
  expect(openapi).toBe('3.1.0')
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => `${operationId} ${method.toUpperCase()} ${path}`),
  )
  expect(described.sort()).toEqual(routes.map(({ id, method, path }) => `${id} ${method} /api/v1${path}`).sort())
  expect(paths['/api/v1/workflows/{workflow}/runs']?.['get']?.parameters).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: 'workflow', in: 'path', required: true }),
      expect.objectContaining({ name: 'status', in: 'query', required: false, explode: true }),
    ]),
  )
  expect(paths['/api/v1/workflows/{workflow}/bulk']?.['post']).toHaveProperty(
    'requestBody.content.application/json.schema.properties.runs.maxItems',
    100,
  )
})
