/** The body of a request: JSON of a known shape, and no more of it than the limits allow. */
import type { Clock } from '@workflow/core/adapter'
import { type GenericSchema, getDotPath, safeParse } from 'valibot'
import { ApiError } from './api-error.ts'
import type { WebUiLimits } from './settings.ts'

/** Throws `NotJson`, `TooLarge`, `TooSlow`, or `InvalidArgument` with what is wrong where. */
export async function bodyOf<T>(
  request: Request,
  schema: GenericSchema<unknown, T>,
  limits: Required<WebUiLimits>,
  clock: Clock,
): Promise<T> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') throw new ApiError('NotJson', "the body must be JSON, with the content-type 'application/json'")
  const bytes = await read(request, limits, clock)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new ApiError('NotJson', 'the body is not JSON in UTF-8')
  }
  return checked(value, schema, 'the body')
}

/** Throws `InvalidArgument`. */
export function checked<T>(value: unknown, schema: GenericSchema<unknown, T>, what: string): T {
  assertKeys(value, what)
  const result = safeParse(schema, value)
  if (result.success) return result.output
  const issues = result.issues.slice(0, 10).map((issue) => `${getDotPath(issue) ?? what}: ${issue.message.slice(0, 200)}`)
  throw new ApiError('InvalidArgument', `${what} is not what this path takes: ${issues.join('; ')}`, { issues })
}

/** What schemas pass over in silence, so that a filter by such a key would match everything. */
const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Throws `InvalidArgument`. Without recursion: what is sent may be as deep as it is long. */
function assertKeys(value: unknown, what: string): void {
  const open = [value]
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (typeof one !== 'object' || one === null) continue
    for (const [key, inner] of Object.entries(one)) {
      if (forbiddenKeys.has(key)) throw new ApiError('InvalidArgument', `${what} may not have the key '${key}'`)
      if (typeof inner === 'object' && inner !== null) open.push(inner)
    }
  }
}

async function read(request: Request, { bodyBytes, bodyMs }: Required<WebUiLimits>, clock: Clock): Promise<Uint8Array> {
  const tooLarge = (): ApiError => new ApiError('TooLarge', `the body is larger than ${bodyBytes} bytes`)
  if (Number(request.headers.get('content-length') ?? 0) > bodyBytes) throw tooLarge()
  if (request.body === null) return new Uint8Array(0)
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader()
  const late = Promise.withResolvers<never>()
  using _timer = clock.setTimer(bodyMs, () => late.reject(new ApiError('TooSlow', `the body took longer than ${bodyMs} ms to arrive`)))
  const broken = (): never => {
    throw new ApiError('InvalidArgument', 'the body broke off')
  }
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read().catch(broken), late.promise])
      if (done) return Buffer.concat(chunks)
      size += value.byteLength
      if (size > bodyBytes) throw tooLarge()
      chunks.push(value)
    }
  } finally {
    // What is left of it is not read; a body that has ended does not mind.
    reader.cancel().catch(() => undefined)
  }
}
