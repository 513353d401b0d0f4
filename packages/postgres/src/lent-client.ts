import { InvalidArgument } from '@workflow/core/adapter'
import type { PgClient } from './driver.ts'

/** Statements that begin or end a transaction, behind comments. Savepoints, and rolling back to one, are none of them. */
const control =
  /^(?:\s|--[^\n]*(?:\n|$)|\/\*[^]*?\*\/)*(?:begin|start\s+transaction|commit|end|abort|prepare\s+transaction|rollback(?!(?:\s+(?:work|transaction))?\s+to\b))\b/i

/**
 * A connection with a transaction of ours, for the work inside: it may do everything but begin or end the transaction.
 * A COMMIT would be obeyed by Postgres, and the rows so far would stay without the transition that they belong to; a BEGIN is
 * how libraries announce one. Such a statement is refused with `InvalidArgument`, and not sent.
 */
export function lentClient<Client extends PgClient>(client: Client): Client {
  const query = (...given: readonly unknown[]): unknown => {
    const [statement, last] = [given[0], given.at(-1)]
    const text = typeof statement === 'string' ? statement : (statement as { readonly text?: unknown } | null | undefined)?.text
    if (typeof text !== 'string' || !control.test(text)) return call(client, given)
    const error = refusal(text)
    if (typeof last !== 'function') return Promise.reject(error)
    queueMicrotask(() => last(error))
    return undefined
  }
  return new Proxy(client, {
    get: (target, name) => {
      if (name === 'query') return query
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** Whatever pg may be given: its types and ours know only a part of it. */
function call(client: PgClient, given: readonly unknown[]): unknown {
  return (client as { query(...given: readonly unknown[]): unknown }).query(...given)
}

function refusal(text: string): InvalidArgument {
  return new InvalidArgument(
    `the transaction of run.commit() is not yours to begin or end, and '${text.trim().slice(0, 40)}' does: leave it out, and use no db.transaction() of a library there; savepoints are fine`,
  )
}
