/** Who takes part, and where the module is that makes each look like the others. */

export interface Entrant {
  readonly name: string
  readonly server: 'postgres' | 'redis'
  /** What sort of peer it is; undefined for what is not somebody else's and need not be installed. */
  readonly peer: 'engine' | 'queue' | undefined
  /** Beside this file. */
  readonly module: string
}

export const ours = 'workflow'
/** Not a product: the same rows, written by hand. */
export const ceiling = 'raw-sql'

/** In the order in which they are measured and shown. */
export const entrants: readonly Entrant[] = [
  { name: ours, server: 'postgres', peer: undefined, module: './baselines/workflow.ts' },
  { name: ceiling, server: 'postgres', peer: undefined, module: './baselines/raw-sql.ts' },
  { name: 'dbos', server: 'postgres', peer: 'engine', module: './peers/dbos-direct.ts' },
  { name: 'dbos-queued', server: 'postgres', peer: 'engine', module: './peers/dbos-queued.ts' },
  { name: 'openworkflow', server: 'postgres', peer: 'engine', module: './peers/openworkflow.ts' },
  { name: 'absurd', server: 'postgres', peer: 'engine', module: './peers/absurd.ts' },
  { name: 'pg-boss', server: 'postgres', peer: 'queue', module: './peers/pg-boss.ts' },
  { name: 'pg-boss-batched', server: 'postgres', peer: 'queue', module: './peers/pg-boss-batched.ts' },
  { name: 'graphile-worker', server: 'postgres', peer: 'queue', module: './peers/graphile-worker.ts' },
  { name: 'bullmq', server: 'redis', peer: 'queue', module: './peers/bullmq.ts' },
]
