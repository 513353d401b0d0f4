/** Asks the server. Everything that goes wrong is an `ApiFault`, so that pages can say what, and since when. */
import type { ErrorJson } from '../../src/api/error-json.ts'

/** Why there is no answer. `Unreachable` and `NotUnderstood` are the browser's own codes, all others come from the server. */
export class ApiFault extends Error {
  readonly code: string
  /** Of the HTTP answer; 0 where there was none. */
  readonly status: number
  /** From when on the store has not answered, ISO 8601. */
  readonly since: string | undefined

  constructor(code: string, message: string, status: number, since?: string) {
    super(message)
    this.name = code
    this.code = code
    this.status = status
    this.since = since
  }

  /** Asking again may help: the server or its store is away. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 502
  }
}

export type Ask = <T>(path: string, options?: AskOptions) => Promise<T>

export interface AskOptions {
  readonly signal?: AbortSignal
  /** Sent as JSON with POST. */
  readonly body?: unknown
}

/** `root`: where the pages are, with a slash at its end. Paths are below the API's. */
export function apiClient(root: string, send: typeof fetch): Ask {
  return async <T>(path: string, { signal, body }: AskOptions = {}): Promise<T> => {
    const posted: RequestInit =
      body === undefined
        ? {}
        : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', 'x-workflow-webui': '1' } }
    const response = await answered(send, `${root}api/v1${path}`, { ...posted, ...(signal === undefined ? undefined : { signal }) })
    const value = await jsonOf(response)
    if (!response.ok) throw faultOf(value, response.status)
    // The server checks what it answers against the same types.
    return value as T
  }
}

async function answered(send: typeof fetch, url: string, init: RequestInit): Promise<Response> {
  try {
    return await send(url, { credentials: 'same-origin', ...init })
  } catch (error) {
    init.signal?.throwIfAborted()
    throw new ApiFault('Unreachable', error instanceof Error && error.message !== '' ? `no answer (${error.message})` : 'no answer', 0)
  }
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    if (response.ok) throw new ApiFault('NotUnderstood', 'the answer is not JSON: the session may have ended', response.status)
    return undefined
  }
}

function faultOf(value: unknown, status: number): ApiFault {
  const error = isErrorJson(value) ? value.error : undefined
  const said = [error?.message, ...(error?.issues ?? [])].filter((part) => part !== undefined).join('; ')
  return new ApiFault(error?.code ?? 'NotUnderstood', said === '' ? `the server answered ${status}` : said, status, error?.since)
}

function isErrorJson(value: unknown): value is ErrorJson {
  return typeof value === 'object' && value !== null && 'error' in value && typeof value.error === 'object' && value.error !== null
}

/** The path of a workflow, or of something below it, in the API. */
export function workflowPath(workflow: string, ...rest: readonly string[]): string {
  return ['/workflows', workflow, ...rest].map((part, i) => (i === 0 ? part : encodeURIComponent(part))).join('/')
}
