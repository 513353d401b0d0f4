/** A server of its own, for those who have none: `serveWebUi(options)`. */
import { Configuration } from '@workflow/core/adapter'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { webui } from '../server/web-ui.ts'
import { optionNames, settingsOf, unknownIn, type WebUiOptions } from '../server/settings.ts'
import { toNodeListener } from './node-listener.ts'

/** Options of `serveWebUi`. */
export interface ServeWebUiOptions extends WebUiOptions {
  /** `0`: any that is free. @default 0 */
  readonly port?: number
  /** Anything but a loopback address needs `authorize`. @default '127.0.0.1' */
  readonly host?: string
  /** Is told the addresses, in one line; `false`: nobody is. @default console.log */
  readonly print?: ((line: string) => void) | false
}

/** A web UI that is served. */
export interface ServedWebUi extends AsyncDisposable {
  /** Where it is, like `'http://127.0.0.1:4321'`, with the base path. */
  readonly url: string
  /** Ends the streams, answers what is in hand, and gives the port back. Idempotent. */
  close(): Promise<void>
}

/** A client has so long for its request, headers and body. */
const requestMs = 30_000
const headersMs = 10_000
const connectionsMax = 1_000
const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost'])

/**
 * Serves `webui(options)` on node:http and resolves once it listens. On loopback `authorize` may be left out: then everybody on
 * this machine may do everything, and only requests to a name of this machine are answered, so that no other site's name can be
 * made to point here. Throws `Configuration`; rejects with the system's error where the port is taken.
 */
export async function serveWebUi(options: ServeWebUiOptions): Promise<ServedWebUi> {
  // From JavaScript anything may come.
  if (typeof options !== 'object' || options === null)
    throw new Configuration('serveWebUi takes an object of options: serveWebUi({ workflows })')
  const { port = 0, host = '127.0.0.1', print = log, ...rest } = options
  unknownIn('serveWebUi', rest, [...optionNames, 'port', 'host', 'print'])
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Configuration(`the port of serveWebUi must be a whole number from 0 to 65535; got ${JSON.stringify(port)}`)
  if (print !== false && typeof print !== 'function')
    throw new Configuration(`print of serveWebUi must be a function of a line, or false; got ${JSON.stringify(print)}`)
  const open = rest.authorize === undefined && rest.unsafeNoAuth !== true
  if (open && !loopback.has(host))
    throw new Configuration(
      `serveWebUi needs authorize to serve on '${host}', where others can reach it. Leave host out to serve this machine only, or say unsafeNoAuth: true`,
    )
  const given = open ? { ...rest, unsafeNoAuth: true } : rest
  const { basePath } = settingsOf(given)
  const ui = webui(given)
  const listener = toNodeListener(async (request) => (open && !isLocal(request) ? refused() : await ui(request)))
  const server = createServer({ requestTimeout: requestMs, headersTimeout: headersMs, maxHeaderSize: 16_384 }, listener)
  server.maxConnections = connectionsMax
  await listening(server, port, host)
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}${basePath}`
  if (print !== false) print(`Workflow's web UI is at ${url}/ and its API at ${url}/api/v1`)
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => (closed ??= closing(server, () => ui.close()))
  return { url, close, [Symbol.asyncDispose]: close }
}

/** Another name that points here is a page of that name trying to read what is here. */
function isLocal(request: Request): boolean {
  const { hostname } = new URL(request.url)
  return loopback.has(hostname.replace(/^\[|\]$/g, ''))
}

function refused(): Response {
  const error = {
    code: 'Forbidden',
    message: 'only requests to this machine by its own name are answered: serve with authorize to allow others',
  }
  return Response.json({ error }, { status: 403 })
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function closing(server: Server, end: () => Promise<void>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  await end()
  server.closeIdleConnections()
  // What is in hand has a second; a connection that has sent half a request has no more.
  const timer = setTimeout(() => server.closeAllConnections(), closingMs)
  await closed
  clearTimeout(timer)
}

const closingMs = 1_000

function log(line: string): void {
  process.stdout.write(`${line}\n`)
}
