/** The databases that benchmarks run on, named by a text that also another process can open them by. */
import type { Duration, WorkerInfrastructure } from '@workflow/core'
import type { RecordStore, TimeoutStore } from '@workflow/core/adapter'
import { postgres } from '@workflow/postgres'
import { sqlite } from '@workflow/sqlite'

/** All ports of one database. */
export interface BenchDatabase extends WorkerInfrastructure, AsyncDisposable {
  readonly recordStore: RecordStore
  readonly timeoutStore: TimeoutStore
  readonly close: () => Promise<void>
}

/** Where a database is, until it is disposed of with everything in it. */
export interface Place extends AsyncDisposable {
  /** For `openDatabase`: a file, or the URL of a server with the schema behind a `#`. */
  readonly address: string
  /** What it takes on the disk. */
  readonly megabytes: () => Promise<number>
}

/** How long a role outlives its holder, if not as by default: tests share their machine, and lose no role for that. */
const givenLease = process.env['WORKFLOW_BENCH_LEASE'] as Duration | undefined
const options = givenLease === undefined ? {} : { lease: givenLease }

/** Opens what is at an address, with the options as they are by default. */
export function openDatabase(address: string): BenchDatabase {
  const [connectionString = '', schema] = address.split('#')
  return schema === undefined ? sqlite({ file: address, ...options }) : postgres({ connectionString, schema, ...options })
}
