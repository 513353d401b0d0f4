/** One server of Postgres in a temporary folder, on the loopback interface only. */
import { spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PostgresBinaries } from './postgres-binaries.ts'
import { freshData } from './postgres-data.ts'
import { freePorts, makeServerFolder, own, type Place, runningPid } from './server-folder.ts'
import { runnableBinaries, serverUser, type ServerUser } from './server-user.ts'

/** What is needed to find a running server again. */
export interface PostgresPlace extends Place {
  readonly major: number
  readonly binaries: string
  readonly port: number
}

export interface PostgresServer extends PostgresPlace {
  readonly url: string
  /** `fast` ends sessions in good order; `immediate` is the end that a power cut makes. */
  readonly stop: (mode?: 'fast' | 'immediate') => void
  readonly start: () => void
  /** Stops it and deletes its data. */
  readonly remove: () => void
}

/** How a server is to be. */
export interface PostgresServerOptions {
  /** Whether commits reach the disk. Tests of behaviour do without, measurements never. @default false */
  readonly durable?: boolean
  /** More lines for postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>
  /** Whether it goes on after this process has ended. Else whoever starts the next one clears away what a killed process left. @default false */
  readonly outlives?: boolean
}

/** Makes a new server and starts it. Throws with the server's own words when it does not start. */
export async function startPostgres(binaries: PostgresBinaries, options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const user = serverUser()
  const folder = makeServerFolder<PostgresPlace>('postgres', (place) => serverAt(place).remove())
  try {
    const [port = 0] = await freePorts(1)
    const place = { major: binaries.major, folder, binaries: runnableBinaries(binaries.folder, user, folder), port }
    if (options.outlives !== true) own(place)
    initialise(place, user, options)
    const server = serverAt(place)
    server.start()
    return server
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

/** The server of a place, running or not. */
export function serverAt(place: PostgresPlace): PostgresServer {
  const user = serverUser()
  const { folder, port } = place
  const data = join(folder, 'data')
  const stop = (mode: 'fast' | 'immediate' = 'fast'): void => {
    if (runningPid(join(data, 'postmaster.pid'), data) !== undefined)
      run(place, user, 'pg_ctl', ['stop', '-D', data, '-m', mode, '-w', '-t', '30'])
  }
  return {
    ...place,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    stop,
    start: () => run(place, user, 'pg_ctl', ['start', '-D', data, '-l', join(folder, 'log'), '-w', '-t', '30']),
    remove: () => {
      stop('immediate')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function initialise(place: PostgresPlace, user: ServerUser | undefined, { durable = false, settings = {} }: PostgresServerOptions): void {
  const { folder, port } = place
  const data = join(folder, 'data')
  for (const path of [data, join(folder, 'sockets')]) {
    mkdirSync(path, { mode: 0o700 })
    if (user !== undefined) chownSync(path, user.uid, user.gid)
  }
  writeFileSync(join(folder, 'log'), '')
  if (user !== undefined) chownSync(join(folder, 'log'), user.uid, user.gid)
  const args = ['-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-locale', '--no-sync']
  freshData(data, { binaries: place.binaries, uid: user?.uid, args }, () => run(place, user, 'initdb', ['-D', data, ...args]))
  const lines = Object.entries({
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: join(folder, 'sockets'),
    max_connections: '300',
    max_prepared_transactions: '10',
    shared_buffers: '256MB',
    max_wal_size: '4GB',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
    ...settings,
  }).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
  writeFileSync(join(data, 'postgresql.conf'), lines.join(''), { flag: 'a' })
}

/** Programs of Postgres say on their output why they fail, the server in its log. */
function run(place: PostgresPlace, user: ServerUser | undefined, program: string, args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(join(place.binaries, program), args, {
    ...user,
    cwd: place.folder,
    // The server inherits standard streams that somebody reads to their end, unless it is given none.
    stdio: program === 'pg_ctl' ? 'ignore' : 'pipe',
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
  })
  if (status === 0) return
  const log = readFileSync(join(place.folder, 'log'), 'utf8').slice(-2_000)
  throw new Error(`${program} of Postgres ${place.major} failed: ${[error?.message, stdout, stderr, log].filter(Boolean).join('\n')}`)
}
