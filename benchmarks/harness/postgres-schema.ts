/** A server of Postgres for a benchmark, and schemas in it that go when they are closed. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { postgresBinaries } from '../../scripts/services/postgres-binaries.ts'
import { startPostgres } from '../../scripts/services/postgres-server.ts'
import type { Opened } from '../cases/throughput.ts'
import { familyCpuMs, parentOf } from '../compare/processor-time.ts'
import type { SharedPlace } from '../cases/sharing.ts'
import { openDatabase } from './database.ts'

export interface BenchServer {
  /** Its version and the settings that matter, in a line. */
  readonly about: string
  /** Fresh infrastructure in a fresh schema. */
  readonly openFresh: () => Opened
  /** A schema that does not exist yet. */
  readonly place: () => Promise<PostgresPlace>
  readonly stop: () => Promise<void>
}

export interface PostgresPlace extends SharedPlace {
  readonly schema: string
  /** Runs SQL. Names in braces are tables of the schema. */
  readonly sql: (text: string, values?: readonly unknown[]) => Promise<readonly Row[]>
  /** Processor time of the server until now; undefined where that is on another machine. */
  readonly serverCpuMs: () => number | undefined
}

/** Large numbers come as text: `Number` reads either. */
export type Row = Readonly<Record<string, unknown>>

const shownSettings = ['fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size', 'autovacuum'] as const

/** The server of `WORKFLOW_TEST_POSTGRES_URL`, whose settings are its owner's; else a new one, whose commits reach the disk. */
export async function startServer(): Promise<BenchServer> {
  const given = process.env['WORKFLOW_TEST_POSTGRES_URL']
  const own = given === undefined ? await startOwn() : undefined
  const url = given ?? own?.url ?? ''
  const admin = new pg.Client({ connectionString: url })
  try {
    await admin.connect()
    const about = await aboutServer(admin)
    const main = await mainProcess(admin)
    return {
      about,
      openFresh: () => openFresh(placeIn(admin, url, main)),
      place: async () => placeIn(admin, url, main),
      stop: async () => {
        await admin.end()
        own?.remove()
      },
    }
  } catch (error) {
    own?.remove()
    throw error
  }
}

async function startOwn(): Promise<Awaited<ReturnType<typeof startPostgres>>> {
  const [binaries] = postgresBinaries()
  if (binaries === undefined) throw new Error('there is no Postgres to measure on: node scripts/services.ts install')
  return startPostgres(binaries, { durable: true })
}

async function aboutServer(admin: pg.Client): Promise<string> {
  const { rows } = await admin.query<{ name: string; setting: string }>(
    'SELECT name, current_setting(name) AS setting FROM pg_settings WHERE name = ANY ($1)',
    [['server_version', ...shownSettings]],
  )
  const settings = new Map(rows.map(({ name, setting }) => [name, setting]))
  return `PostgreSQL ${settings.get('server_version') ?? '?'}: ${shownSettings.map((name) => `${name}=${settings.get(name) ?? '?'}`).join(' ')}`
}

/** The postmaster, if it runs on this machine. */
async function mainProcess(admin: pg.Client): Promise<number | undefined> {
  const { rows } = await admin.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  return rows[0] === undefined ? undefined : parentOf(rows[0].pid, 'postgres')
}

function placeIn(admin: pg.Client, url: string, main: number | undefined): PostgresPlace {
  const schema = `bench_${randomUUID().slice(0, 8)}`
  const sql = async (text: string, values: readonly unknown[] = []): Promise<readonly Row[]> => {
    const { rows } = await admin.query<Row>(
      text.replace(/\{(\w+)\}/g, (_, name: string) => `"${schema}"."${name}"`),
      [...values],
    )
    return rows
  }
  return {
    address: `${url}#${schema}`,
    schema,
    sql,
    megabytes: async () => {
      const [row] = await sql(
        'SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) AS bytes FROM pg_class c WHERE c.relnamespace = to_regnamespace($1) AND c.relkind = $2',
        [schema, 'r'],
      )
      return Number(row?.['bytes']) / 1e6
    },
    slotsHeld: async () => {
      const rows = await sql('SELECT count(*) AS slots FROM {role} WHERE instance IS NOT NULL GROUP BY instance')
      return rows.map((row) => Number(row['slots']))
    },
    serverCpuMs: () => (main === undefined ? undefined : familyCpuMs(main)),
    [Symbol.asyncDispose]: async () => {
      await sql(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`)
    },
  }
}

function openFresh(place: PostgresPlace): Opened {
  const infrastructure = openDatabase(place.address)
  return {
    infrastructure,
    [Symbol.asyncDispose]: async () => {
      await infrastructure.close()
      await place[Symbol.asyncDispose]()
    },
  }
}
