/** The whole program, as a child process, looked at through its API. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const count = 80

async function openShop(): Promise<{ readonly url: string; readonly stop: () => Promise<number | null> }> {
  const program = ['--conditions=@workflow/source', '--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'main.ts')]
  const child = spawn(process.execPath, program, { env: { ...process.env, ORDERS: String(count), PORT: '0' } })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  let output = ''
  const url = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      output += chunk.toString()
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(output)
      if (found !== null) resolve(found[0])
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    void ended.then(() => reject(new Error(`the shop has closed:\n${output}`)))
  })
  const stop = async (): Promise<number | null> => {
    child.kill('SIGINT')
    return await ended
  }
  return { url, stop }
}

interface Page {
  readonly items: readonly { readonly runId: string; readonly foreignId: string; readonly status: string; readonly state: string }[]
}

test('has orders in every state, which the pages can show, and goes on taking some', { timeout: 30_000 }, async () => {
  const { url, stop } = await openShop()
  const get = async <T>(path: string): Promise<T> => (await (await fetch(`${url}/api/v1/${path}`)).json()) as T
  const orders = async (query: string): Promise<Page> => await get<Page>(`workflows/orders/runs?${query}`)

  expect((await fetch(`${url}/runs/orders`)).status).toBe(200)
  for (const [query, least] of [
    ['state=Completed&status=delivered', 40],
    ['state=Paused&status=checked', 4],
    ['state=Paused&status=paid', 2],
    ['state=Running&status=paid', 4],
    ['state=Running&status=checked', 12],
    ['state=Running&status=packing', 8],
    ['state=Cancelled', 4],
    ['state=DataDeleted', 2],
    ['status=rejected', 2],
  ] as const)
    expect((await orders(query)).items.length, query).toBeGreaterThanOrEqual(least)

  const [onTheWay] = (await orders('status=packing')).items
  const children = await get<{ readonly items: readonly object[] }>(`workflows/orders/runs/${onTheWay?.runId}/children`)
  expect(children.items).toContainEqual(expect.objectContaining({ workflow: 'parcels', status: 'packed' }))
  const [retried] = (await orders('state=Running&status=paid')).items
  const explanation = await get<{ readonly text: string }>(`workflows/orders/runs/${retried?.runId}/explanation`)
  expect(explanation.text).toContain('the bank gives no answer')
  await expect.poll(async () => (await orders(`foreignId=order-${10_000 + count}`)).items.length).toBe(1)
  expect(await stop()).toBe(0)
})
