/**
 * HTTP to the members of a cluster: one request at one of them, and the next one's turn after a failure. Connections are kept
 * open between requests, and let the process end while nothing is on the wire.
 */
import type { Clock } from '@workflow/core/adapter'
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { EtcdTls } from './settings.ts'

export interface HttpCall {
  readonly path: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export interface HttpAnswer {
  readonly status: number
  readonly text: string
}

/** Why a request was given up. */
class NoAnswer extends Error {
  constructor(afterMs: number) {
    super(`no answer after ${afterMs} ms`)
    this.name = 'NoAnswer'
  }
}

export class Endpoints {
  readonly #urls: readonly URL[]
  readonly #http = new HttpAgent({ keepAlive: true })
  readonly #https: HttpsAgent
  readonly #clock: Clock
  #current = 0
  /** Ends the streams of an endpoint. */
  readonly #streams = new Set<{ readonly endpoint: number; readonly end: AbortController }>()

  constructor(urls: readonly URL[], tls: EtcdTls | undefined, clock: Clock) {
    this.#urls = urls
    this.#clock = clock
    this.#https = new HttpsAgent({ keepAlive: true, ...agentOptions(tls) })
  }

  /** Where the next request goes, for messages. */
  get where(): string {
    return this.#urls[this.#current]?.origin ?? ''
  }

  /** One request at the endpoint whose turn it is. Throws when it does not answer; then it is the next one's turn. */
  async call(call: HttpCall, timeoutMs: number): Promise<HttpAnswer> {
    const endpoint = this.#current
    const giveUp = new AbortController()
    let grace: Disposable | undefined
    const timer = this.#clock.setTimer(timeoutMs, () => {
      // After a turn that took long the answer may be here, and not read yet.
      grace = this.#clock.setImmediate(() => giveUp.abort(new NoAnswer(timeoutMs)))
    })
    try {
      const response = await this.#send(endpoint, call, giveUp.signal)
      response.setEncoding('utf8')
      let text = ''
      // What the stream gives out is text by the line above.
      for await (const chunk of response) text += chunk as string
      const status = response.statusCode ?? 0
      // No leader, or a server that is being stopped: another may do better.
      if (status >= 500) this.#suspect(endpoint)
      return { status, text }
    } catch (error) {
      this.#suspect(endpoint)
      throw giveUp.signal.aborted ? giveUp.signal.reason : error
    } finally {
      timer[Symbol.dispose]()
      grace?.[Symbol.dispose]()
    }
  }

  /** The lines of an answer that does not end. Ends without an error when `signal` aborts; throws when the connection is lost. */
  async *lines(call: HttpCall, signal: AbortSignal): AsyncGenerator<string> {
    const stream = { endpoint: this.#current, end: new AbortController() }
    this.#streams.add(stream)
    const either = AbortSignal.any([signal, stream.end.signal])
    try {
      const response = await this.#send(stream.endpoint, call, either)
      response.setEncoding('utf8')
      const pieces: string[] = []
      for await (const chunk of response) {
        // Most answers are one line in one chunk; a large one comes in many.
        const [first = '', ...rest] = (chunk as string).split('\n')
        pieces.push(first)
        for (const next of rest) {
          const line = pieces.splice(0).join('')
          if (line !== '') yield line
          pieces.push(next)
        }
      }
      // Not a line but an error that is all there is.
      const last = pieces.join('')
      if (last !== '') yield last
      throw new Error('the connection was closed')
    } catch (error) {
      if (signal.aborted) return
      if (!either.aborted) this.#suspect(stream.endpoint)
      throw error
    } finally {
      this.#streams.delete(stream)
      stream.end.abort()
    }
  }

  /** Gives the turn to the next endpoint, unless somebody has already. */
  #suspect(endpoint: number): void {
    if (endpoint === this.#current) this.#current = (endpoint + 1) % this.#urls.length
    for (const stream of this.#streams) if (stream.endpoint === endpoint) stream.end.abort(new Error('its endpoint does not answer'))
  }

  close(): void {
    for (const { end } of this.#streams) end.abort(new Error('closed'))
    this.#http.destroy()
    this.#https.destroy()
  }

  #send(endpoint: number, { path, body, headers }: HttpCall, signal: AbortSignal): Promise<IncomingMessage> {
    const url = new URL(path, this.#urls[endpoint])
    const bytes = Buffer.from(body)
    const options = {
      method: 'POST',
      signal,
      headers: { ...headers, 'content-type': 'application/json', 'content-length': bytes.length },
    }
    return new Promise<IncomingMessage>((resolve, reject) => {
      const sent: ClientRequest =
        url.protocol === 'https:'
          ? httpsRequest(url, { ...options, agent: this.#https }, resolve)
          : httpRequest(url, { ...options, agent: this.#http }, resolve)
      sent.on('error', reject)
      // A connection that was cut in silence is noticed while nothing happens, too.
      sent.setSocketKeepAlive(true, 10_000)
      sent.setNoDelay(true)
      sent.end(bytes)
    })
  }
}

function agentOptions(tls: EtcdTls | undefined): object {
  if (tls === undefined) return {}
  const pem = (value: string | Uint8Array): string | Buffer => (typeof value === 'string' ? value : Buffer.from(value))
  return Object.fromEntries(Object.entries(tls).map(([name, value]: [string, string | Uint8Array]) => [name, pem(value)]))
}
