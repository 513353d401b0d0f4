/**
 * A worker that lives until it is killed: `node crash-worker.ts <url> <pg|kysely|drizzle> <file>`. It says `ready` when it
 * works, and appends the key of each call of a handler to the file before the handler begins.
 */
import { appendFileSync } from 'node:fs'
import type { AnyRun } from '@workflow/core'
import { postgres } from '@workflow/postgres'
import pg from 'pg'
import { transfersBy, type Way } from './ways.ts'

// Given by the crash test.
const [connectionString, way, file] = process.argv.slice(2) as [string, Way, string]

// The parent's end closes this: no worker outlives the test.
process.stdin.resume()
process.stdin.on('end', () => process.exit())

const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const pool = new pg.Pool({ connectionString, max: 16 })
const definition = await transfersBy(way, pool, '200ms')
const worker = definition
  .intercept(({ kind }, handler) => async (...given) => {
    // Steps and timeouts are given their run first.
    if (kind === 'step' || kind === 'timeout') appendFileSync(file, `${kind} ${(given[0] as AnyRun).idempotencyKey}\n`)
    return await handler(...given)
  })
  .build({
    ...postgres<pg.PoolClient>({ pool, lease: '600ms' }),
    logger: silent,
    // The sweeper would make up for a lost event after a while, and nobody would see that it was lost.
    sweepFrequency: '1d',
    defaults: { parallelCount: 8, errBackOff: '20ms' },
  })
await worker.run()
process.stdout.write('ready\n')

function ignore(): void {}
