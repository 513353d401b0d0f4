/**
 * The pages: one document for all of their addresses, and its few files. Prebuilt, in the package, the same for everybody; what
 * they show comes from the API.
 */
import { createHash } from 'node:crypto'
import { ApiError } from './api-error.ts'
import { safeHeaders } from './json-answer.ts'
import type { PageFiles } from './page-files.ts'

/** Nothing from elsewhere, nothing inline, in no frame. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

/** By name only. */
const files: ReadonlyMap<string, { readonly file: keyof PageFiles; readonly type: string }> = new Map([
  ['/assets/app.js', { file: 'app.js', type: 'text/javascript; charset=utf-8' }],
  ['/assets/app.css', { file: 'app.css', type: 'text/css; charset=utf-8' }],
  ['/assets/icon.svg', { file: 'icon.svg', type: 'image/svg+xml' }],
])

/** Whether a path is one of a page or of its files; `path` is below the base path. */
export function isPagePath(path: string): boolean {
  return path === '/' || ['/runs/', '/workflows/', '/assets/'].some((start) => path.startsWith(start))
}

/** The document, or one of its files. Throws `NotFound`, `MethodNotAllowed`. */
export async function pageAnswer(request: Request, path: string, basePath: string): Promise<Response> {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    throw new ApiError('MethodNotAllowed', 'this path knows GET, HEAD', { headers: { allow: 'GET, HEAD' } })
  const asset = files.get(path)
  if (asset === undefined && path.startsWith('/assets/')) throw new ApiError('NotFound', 'there is nothing under this path')
  // Loaded when first asked for: whoever wants the API alone never needs it.
  const { pages } = await import('#pages')
  const text = asset === undefined ? pages['index.html'].replace('%base%', () => `${escaped(basePath)}/`) : pages[asset.file]
  const etag = etagOf(text)
  const headers = {
    ...safeHeaders,
    'content-security-policy': pagePolicy,
    'content-type': asset?.type ?? 'text/html; charset=utf-8',
    'cache-control': 'private, no-cache',
    etag,
  }
  if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers })
  return new Response(request.method === 'HEAD' ? null : text, { headers })
}

/** Of each text that was asked for. There are few: one document per base path, and the files. */
const etags = new Map<string, string>()

function etagOf(text: string): string {
  const known = etags.get(text)
  if (known !== undefined) return known
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`
  etags.set(text, etag)
  return etag
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
