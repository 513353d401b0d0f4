/** A server of Postgres for a benchmark, and schemas in it that go when they are closed. */
import { randomUUID } from 'node:crypto'
import { postgres } from '@workflow/postgres'
import pg from 'pg'
import { postgresBinaries } from '../../scripts/services/postgres-binaries.ts'
import { startPostgres } from '../../scripts/services/postgres-server.ts'
import type { Opened } from '../cases/throughput.ts'

export interface BenchServer {
  /** Fresh infrastructure in a fresh schema. */
  readonly openFresh: () => Opened
  readonly stop: () => void
}

/** The server of `WORKFLOW_TEST_POSTGRES_URL`, whose settings are its owner's; else a new one, whose commits reach the disk. */
export async function startServer(): Promise<BenchServer> {
  const given = process.env['WORKFLOW_TEST_POSTGRES_URL']
  if (given !== undefined) return { openFresh: () => openFresh(given), stop: () => undefined }
  const [binaries] = postgresBinaries()
  if (binaries === undefined) throw new Error('there is no Postgres to measure on: node scripts/services.ts install')
  const server = await startPostgres(binaries, { durable: true })
  return { openFresh: () => openFresh(server.url), stop: () => server.remove() }
}

function openFresh(connectionString: string): Opened {
  const schema = `bench_${randomUUID().slice(0, 8)}`
  const infrastructure = postgres({ connectionString, schema })
  return {
    infrastructure,
    [Symbol.asyncDispose]: async () => {
      await infrastructure.close()
      const client = new pg.Client({ connectionString })
      await client.connect()
      await client.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`)
      await client.end()
    },
  }
}
