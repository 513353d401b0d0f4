/** A handler of `Request` and `Response` as a listener of node:http, which Express takes as well. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { once } from 'node:events'
import { Readable } from 'node:stream'

/** What answers requests, like `webui(…)`. */
type Handler = (request: Request) => Promise<Response>

/** A listener of node:http; with Express, `app.use(toNodeListener(handle))` before any parser of bodies. */
export type NodeListener = (message: IncomingMessage, response: ServerResponse) => void

/**
 * Answers with `handle` whatever comes, so what comes after it in Express is not asked. Streams both ways, at the pace of whoever
 * reads; a client that goes away aborts the request's signal. The host is taken from the request: behind a proxy that changes it,
 * give `webui` the `origins`.
 */
export function toNodeListener(handle: Handler): NodeListener {
  return (message, response) => {
    answer(handle, message, response).catch(() => response.destroy())
  }
}

async function answer(handle: Handler, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const request = requestOf(message, gone.signal)
  if (request === undefined) {
    response.writeHead(400, { 'content-type': 'text/plain', connection: 'close' }).end('not a request that can be answered')
    return
  }
  const answered = message.readableDidRead && request.body !== null ? bodyTaken() : await handle(request)
  // What is left of a body that nobody wanted would be taken for the next request.
  const unread = !message.complete && message.method !== 'GET' && message.method !== 'HEAD'
  response.writeHead(answered.status, [...answered.headers, ...(unread ? [['connection', 'close']] : [])].flat() as string[])
  // At once, also where the first byte of the body comes later.
  response.flushHeaders()
  if (answered.body !== null) await send(answered.body, response, gone.signal)
  response.end()
}

/** A parser has read the body before it came here, and left nothing of it. */
function bodyTaken(): Response {
  const message =
    'the body of this request was read before it came to the web UI: mount it before whatever parses bodies, like express.json()'
  return Response.json({ error: { code: 'Internal', message } }, { status: 500, headers: { 'cache-control': 'no-store' } })
}

/** Undefined for what no `Request` can be: a host that is none, a method that is forbidden, an address that is none. */
function requestOf(message: IncomingMessage, signal: AbortSignal): Request | undefined {
  try {
    const { method = 'GET', headers } = message
    // Express cuts off where it is mounted.
    const path = (message as { readonly originalUrl?: string }).originalUrl ?? message.url ?? '/'
    const scheme = 'encrypted' in message.socket ? 'https' : 'http'
    const host = headers.host ?? 'localhost'
    if (!/^[\w.-]+(:\d+)?$|^\[[\da-f:]+\](:\d+)?$/i.test(host) || !path.startsWith('/')) return undefined
    const bare = method === 'GET' || method === 'HEAD'
    return new Request(`${scheme}://${host}${path}`, {
      method,
      signal,
      headers: headersOf(message),
      ...(bare ? undefined : { body: Readable.toWeb(message) as ReadableStream<Uint8Array>, duplex: 'half' as const }),
    })
  } catch {
    return undefined
  }
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '')
  return headers
}

async function send(body: ReadableStream<Uint8Array>, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const reader = body.getReader()
  const cancel = (): void => void reader.cancel().catch(() => undefined)
  signal.addEventListener('abort', cancel, { once: true })
  if (signal.aborted) cancel()
  for (;;) {
    const { done, value } = await reader.read()
    if (done || signal.aborted) return
    if (!response.write(value)) await once(response, 'drain', { signal }).catch(() => undefined)
  }
}
