/** A schema that is reached through a proxy. */
import type pg from 'pg'
import type { Postgres, PostgresOptions } from '../../src/index.ts'
import { freshSchema, type TestSchema } from '../database.ts'
import { asksToCommit, endsAnswer, FaultProxy, type Verdict } from './fault-proxy.ts'

export interface BehindProxy extends AsyncDisposable {
  readonly place: TestSchema
  readonly proxy: FaultProxy
  /** Opens it through the proxy. */
  readonly open: (options?: Partial<PostgresOptions>) => Postgres<pg.PoolClient>
}

export async function behindProxy(): Promise<BehindProxy> {
  const place = freshSchema()
  const proxy = await FaultProxy.before(place.url)
  return {
    place,
    proxy,
    open: (options = {}) => place.open({ connectionString: proxy.url, ...options }),
    [Symbol.asyncDispose]: async () => {
      proxy.judge = undefined
      await place[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
    },
  }
}

/** The next request to write a batch gets this verdict; all else passes. */
export function hitNextCommit(proxy: FaultProxy, verdict: Verdict): void {
  proxy.judge = (direction, piece) => {
    if (direction !== 'requests' || !asksToCommit(piece)) return 'pass'
    proxy.judge = undefined
    return verdict
  }
}

/** The next batch is written, and its answer gets this verdict. */
export function hitNextAnswer(proxy: FaultProxy, verdict: Verdict): void {
  proxy.judge = (direction, piece, { request }) => {
    if (direction !== 'replies' || !asksToCommit(request) || !endsAnswer(piece)) return 'pass'
    proxy.judge = undefined
    return verdict
  }
}
