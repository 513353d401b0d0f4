/** The Postgres server of the comparison: one from the environment, or a new one that goes afterwards. */
import { Client } from 'pg'
import { postgresBinaries } from '../../scripts/services/postgres-binaries.ts'
import { startPostgres } from '../../scripts/services/postgres-server.ts'
import { familyCpuMs, parentOf } from './processor-time.ts'
import type { Place, Server, ServerReading } from './server.ts'

const variable = 'WORKFLOW_TEST_POSTGRES_URL'
const shownSettings = ['fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size'] as const

/** Throws if the server would lose commits in a crash: then nothing is compared. */
export async function openPostgres(): Promise<Server> {
  const given = process.env[variable]
  const own = given === undefined ? await startOwn() : undefined
  const url = given ?? own?.url ?? ''
  const remove = (): void => own?.remove()
  try {
    const admin = new Client({ connectionString: url })
    admin.on('error', () => undefined)
    await admin.connect()
    const durability = await durabilityOf(admin)
    const main = await mainProcess(admin)
    return {
      durability,
      place: (name) => placeOf(admin, url, name, main),
      kill: remove,
      [Symbol.asyncDispose]: async () => {
        await admin.end()
        remove()
      },
    }
  } catch (error) {
    remove()
    throw error
  }
}

async function startOwn(): Promise<Awaited<ReturnType<typeof startPostgres>>> {
  const [newest] = postgresBinaries()
  if (newest === undefined) throw new Error(`there is no Postgres here: run pnpm install, or name a server in ${variable}`)
  return startPostgres(newest, { durable: true })
}

async function durabilityOf(admin: Client): Promise<string> {
  const { rows } = await admin.query<{ name: string; setting: string }>(
    `SELECT name, current_setting(name) AS setting FROM pg_settings WHERE name = ANY ($1)`,
    [['server_version', ...shownSettings]],
  )
  const settings = new Map(rows.map(({ name, setting }) => [name, setting]))
  for (const name of ['fsync', 'synchronous_commit'] as const)
    if (settings.get(name) !== 'on')
      throw new Error(`the server has ${name} = ${String(settings.get(name))}: a comparison needs durable commits`)
  return `PostgreSQL ${settings.get('server_version') ?? ''}: ${shownSettings.map((name) => `${name}=${settings.get(name) ?? '?'}`).join(' ')}`
}

/** The postmaster, if it runs on this machine. */
async function mainProcess(admin: Client): Promise<number | undefined> {
  const { rows } = await admin.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  return rows[0] === undefined ? undefined : parentOf(rows[0].pid, 'postgres')
}

async function placeOf(admin: Client, server: string, name: string, main: number | undefined): Promise<Place> {
  const database = `bench_${name.replaceAll('-', '_')}_${process.pid}`
  await admin.query(`CREATE DATABASE "${database}"`)
  const url = new URL(server)
  url.pathname = `/${database}`
  return {
    url: url.href,
    settle: async () => {
      await admin.query('CHECKPOINT')
    },
    read: async (): Promise<ServerReading> => {
      // Sizes and positions are too large for numbers of JavaScript only from 8 PiB on.
      const { rows } = await admin.query<{ size: string; wal: string }>(
        `SELECT pg_database_size($1) AS size, pg_current_wal_lsn() - '0/0'::pg_lsn AS wal`,
        [database],
      )
      return {
        cpuMs: main === undefined ? undefined : familyCpuMs(main),
        databaseBytes: Number(rows[0]?.size),
        logBytes: Number(rows[0]?.wal),
      }
    },
    [Symbol.asyncDispose]: async () => {
      await admin.query(`DROP DATABASE IF EXISTS "${database}" WITH (FORCE)`)
    },
  }
}
