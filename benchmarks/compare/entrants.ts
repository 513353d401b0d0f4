/** Who takes part, and where the module is that makes each look like the others. */

export interface Entrant {
  readonly name: string
  readonly server: 'postgres' | 'redis'
  /** Whether it is somebody else's, and has to be installed for the comparison. */
  readonly installed: boolean
  /** Beside this file. */
  readonly module: string
}

export const ours = 'workflow'
/** Not a product: the same rows, written by hand. */
export const ceiling = 'raw-sql'

/** In the order in which they are measured and shown. */
export const entrants: readonly Entrant[] = [
  { name: ours, server: 'postgres', installed: false, module: './baselines/workflow.ts' },
  { name: ceiling, server: 'postgres', installed: false, module: './baselines/raw-sql.ts' },
  { name: 'dbos', server: 'postgres', installed: true, module: './peers/dbos-direct.ts' },
  { name: 'dbos-queued', server: 'postgres', installed: true, module: './peers/dbos-queued.ts' },
  { name: 'openworkflow', server: 'postgres', installed: true, module: './peers/openworkflow.ts' },
  { name: 'absurd', server: 'postgres', installed: true, module: './peers/absurd.ts' },
  { name: 'pg-boss', server: 'postgres', installed: true, module: './peers/pg-boss.ts' },
  { name: 'graphile-worker', server: 'postgres', installed: true, module: './peers/graphile-worker.ts' },
  { name: 'bullmq', server: 'redis', installed: true, module: './peers/bullmq.ts' },
]
