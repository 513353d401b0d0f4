import type { Queryable } from './database.ts'

/** The end of the log at one moment. */
export interface LogStart {
  /** The last number that was given to a batch. */
  readonly tail: number
  /** Numbers up to that which may still be filled. */
  readonly holes: readonly number[]
  /** A transaction younger than everybody who fills one of them. */
  readonly witness: number
  /** The highest id that can be seen. */
  readonly head: number
}

/** Where the log ends now: everything up to `tail` is there or never comes, but for `holes`. */
export async function currentStart(connection: Queryable): Promise<LogStart> {
  const [row] = await connection.query<[tail: number, xact: number]>('SELECT tail, xact FROM {tail_1}()')
  const [tail, witness] = row ?? [0, 0]
  const [open] = await connection.query<[head: number, holes: number[]]>(
    "SELECT head, holes FROM {open_1}(coalesce((SELECT value::bigint FROM {meta} WHERE key = 'settled'), 0), $1, $2)",
    [tail, witness],
  )
  return { tail, witness, head: open?.[0] ?? 0, holes: open?.[1] ?? [] }
}
