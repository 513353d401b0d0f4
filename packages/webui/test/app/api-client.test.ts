import { describe, expect, test } from 'vitest'
import { ApiFault, apiClient, workflowPath } from '../../app/data/api-client.ts'

const answering = (make: () => Response, seen: [string, RequestInit | undefined][] = []) =>
  apiClient('http://ui.test/admin/', (url, init) => {
    seen.push([String(url), init])
    return Promise.resolve(make())
  })

const faultOf = async (asked: Promise<unknown>): Promise<ApiFault> => {
  const error: unknown = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof ApiFault)) throw new Error('it was no fault of the API', { cause: error })
  return error
}

describe('apiClient', () => {
  test('asks below the root, and sends changes with the header that proves where they come from', async () => {
    const seen: [string, RequestInit | undefined][] = []
    const ask = answering(() => Response.json({ fine: true }), seen)
    expect(await ask('/session')).toEqual({ fine: true })
    await ask(workflowPath('a/b', 'runs', '?', 'actions'), { body: { action: 'pause' } })
    expect(seen.map(([url]) => url)).toEqual([
      'http://ui.test/admin/api/v1/session',
      'http://ui.test/admin/api/v1/workflows/a%2Fb/runs/%3F/actions',
    ])
    expect(seen[1]?.[1]).toMatchObject({ method: 'POST', body: '{"action":"pause"}', headers: { 'x-workflow-webui': '1' } })
  })

  test('says what the server says, and since when a store is down', async () => {
    const error = { code: 'StoreUnavailable', message: 'the store is away', since: '2026-01-01T00:00:00.000Z' }
    const fault = await faultOf(answering(() => Response.json({ error }, { status: 503 }))('/overview'))
    expect(fault).toMatchObject({ ...error, status: 503, passing: true })
  })

  test('names what is wrong with what was sent', async () => {
    const error = { code: 'InvalidArgument', message: 'no', issues: ['createdAfter must be a time'] }
    const fault = await faultOf(answering(() => Response.json({ error }, { status: 400 }))('/x'))
    expect(fault).toMatchObject({ message: 'no; createdAfter must be a time', passing: false })
  })

  test('makes faults of pages that are no JSON, and of no answer at all', async () => {
    expect(await faultOf(answering(() => new Response('<html>'))('/x'))).toMatchObject({ code: 'NotUnderstood', passing: false })
    expect(await faultOf(answering(() => new Response('oops', { status: 502 }))('/x'))).toMatchObject({ status: 502, passing: true })
    const cut = apiClient('http://ui.test/', () => Promise.reject(new TypeError('connection refused')))
    expect(await faultOf(cut('/x'))).toMatchObject({ code: 'Unreachable', message: 'no answer (connection refused)', passing: true })
  })

  test('rejects with the reason of whoever no longer wants the answer', async () => {
    const controller = new AbortController()
    const ask = apiClient('http://ui.test/', () => {
      controller.abort(new Error('left the page'))
      return Promise.reject(new TypeError('aborted'))
    })
    await expect(ask('/x', { signal: controller.signal })).rejects.toThrow('left the page')
  })
})
