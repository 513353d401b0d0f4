/**
 * The pages: one document for all of their addresses, and its few files. Prebuilt, in the package, the same for everybody; what
 * they show comes from the API.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { ApiError } from './api-error.ts'
import { safeHeaders } from './json-answer.ts'

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

/** By name only: no path that is asked for ever reaches the file system. */
const files: ReadonlyMap<string, { readonly file: string; readonly type: string }> = new Map([
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
  const text = asset === undefined ? (await built('index.html')).replace('%base%', `${escaped(basePath)}/`) : await built(asset.file)
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`
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

const kept = new Map<string, Promise<string>>()

async function built(file: string): Promise<string> {
  const reading = kept.get(file) ?? readFile(new URL(`app/dist/${file}`, import.meta.resolve('@workflow/webui/package.json')), 'utf8')
  kept.set(file, reading)
  try {
    return await reading
  } catch (error) {
    kept.delete(file)
    throw new Error('the pages of the web UI are not built: run "pnpm build"', { cause: error })
  }
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
