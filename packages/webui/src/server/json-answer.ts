/** Answers of the API, with the headers that keep browsers from making anything else of them. */
import { createHash } from 'node:crypto'
import type { Fault } from './api-error.ts'

/** On every answer. Nothing of the API is a page: nothing may run, load, or be framed. */
export const safeHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

const json = 'application/json; charset=utf-8'

/** Answers with `body`, or with 304 where the asker has the same already. */
export function freshAnswer(request: Request, body: unknown): Response {
  const text = JSON.stringify(body)
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`
  const headers = { ...safeHeaders, etag, 'cache-control': 'private, no-cache', vary: 'cookie, authorization' }
  if (knows(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers })
  return new Response(request.method === 'HEAD' ? null : text, { headers: { ...headers, 'content-type': json } })
}

/** Answers to what changes something: never kept. */
export function actionAnswer(body: unknown): Response {
  return new Response(JSON.stringify(body), { headers: { ...safeHeaders, 'content-type': json, 'cache-control': 'no-store' } })
}

export function faultAnswer({ status, body, headers }: Fault, method: string): Response {
  return new Response(method === 'HEAD' ? null : JSON.stringify(body), {
    status,
    headers: { ...safeHeaders, ...headers, 'content-type': json, 'cache-control': 'no-store' },
  })
}

function knows(header: string | null, etag: string): boolean {
  return header !== null && header.split(',').some((one) => one.trim().replace(/^W\//, '') === etag || one.trim() === '*')
}
