/**
 * Tells TLS that cannot be had like this from a server that is away: a certificate of an authority that is not known, for another
 * name or out of date, a server that offers no TLS, a key that is none. No retry mends these, so adapters throw `Configuration`.
 */

const words = /certificate|self.signed|altnames|\bSSL\b|\bTLS\b|ERR_SSL|ERR_TLS|ERR_OSSL|EPROTO|\bPEM\b/i
/** A connection that is cut, or takes too long, while it is made secure says no more than any other. */
const cut = /ECONNRESET|EPIPE|disconnected before|timed? ?out/i
const depthMax = 4

/** Whether an error of a connection, or one that it wraps, says that TLS cannot be had with these certificates and this server. */
export function isTlsFault(error: unknown): boolean {
  return saysSo(error, 0)
}

function saysSo(error: unknown, depth: number): boolean {
  if (!(error instanceof Error) || depth === depthMax) return false
  const { code } = error as { readonly code?: unknown }
  const text = `${error.message} ${typeof code === 'string' ? code : ''}`
  if (cut.test(text)) return false
  if (words.test(text)) return true
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : [error.cause]
  return inner.some((one) => saysSo(one, depth + 1))
}
