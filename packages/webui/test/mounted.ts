/** What holds wherever the handler is mounted: pages, reads, changes and the stream of changes. */
import { expect } from 'vitest'

export interface MountedRun {
  readonly workflow: string
  /** Can be paused. */
  readonly runId: string
  readonly foreignId: string
}

/** Asks as a browser does. `url` is where the handler is mounted, without a slash at its end. */
export async function checkMounted(url: string, { workflow, runId, foreignId }: MountedRun): Promise<void> {
  const api = `${url}/api/v1`
  const stop = new AbortController()
  try {
    await checkPages(url)
    const stream = await fetch(`${api}/changes`, { signal: stop.signal })
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    const hears = async (words: string): Promise<void> => {
      while (!text.includes(words)) text += (await reader?.read())?.value ?? ''
    }
    await hears('event: refresh')
    const runs = `${api}/workflows/${workflow}/runs`
    const found = await fetch(`${runs}?foreignId=${encodeURIComponent(foreignId)}`)
    expect(found.headers.get('x-content-type-options')).toBe('nosniff')
    expect(found.headers.get('etag')).not.toBeNull()
    expect(await found.json()).toMatchObject({ items: [{ runId, foreignId }] })
    const act = (origin: string): Promise<Response> =>
      fetch(`${runs}/${runId}/actions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-workflow-webui': '1', origin },
        body: JSON.stringify({ action: 'pause', reason: 'Prüfung' }),
      })
    expect((await act('https://evil.test')).status).toBe(403)
    expect(await (await act(new URL(url).origin)).json()).toMatchObject({ run: { state: 'Paused', pause: { reason: 'Prüfung' } } })
    await hears('"state":"Paused"')
    expect((await fetch(`${api}/session`, { method: 'HEAD' })).status).toBe(200)
    expect((await fetch(`${api}/nowhere`)).status).toBe(404)
  } finally {
    stop.abort()
  }
}

async function checkPages(url: string): Promise<void> {
  const base = `<base href="${new URL(url).pathname}/" />`
  for (const path of ['', '/runs/a%2Fb?state=Paused']) {
    const answer = await fetch(url + path)
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining(base)])
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
  }
  const script = await fetch(`${url}/assets/app.js`)
  expect([script.status, script.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8'])
  expect((await script.text()).length).toBeGreaterThan(10_000)
  const etag = script.headers.get('etag') ?? ''
  expect((await fetch(`${url}/assets/app.js`, { headers: { 'if-none-match': etag } })).status).toBe(304)
}
