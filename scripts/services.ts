/**
 * `node scripts/services.ts up|down|env|install [NAME …]`: the servers that tests and benchmarks talk to, without Docker and
 * without root. `up` starts what is not running (without a name: Postgres) and prints it, `env` prints the variables that tests
 * read, `down` stops what `up` has started and deletes its data (without a name: all of it), `install` makes sure that there is
 * something to start (without a name: for all).
 *
 * A URL that is in the environment already is used as it is, and nothing is started in its place. Where a machine is too busy to
 * start a server in time, WORKFLOW_TEST_START_SECONDS gives it more.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { etcdService } from './services/etcd-service.ts'
import { kafkaService } from './services/kafka-service.ts'
import { natsService } from './services/nats-service.ts'
import { postgresService } from './services/postgres-service.ts'
import type { Place } from './services/server-folder.ts'
import type { Service } from './services/service.ts'

const services: readonly Service[] = [postgresService, natsService, kafkaService, etcdService]
/** Remembers what `up` has started, a file for each, so that `down` stops that and nothing else. */
const stateFolder = join(tmpdir(), `workflow-services-${userInfo().username}`)

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    durable: { type: 'boolean', default: false },
    major: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
const commands: Readonly<Record<string, (named: readonly Service[]) => Promise<void> | void>> = { up, down, env, install }
const [verb = '', ...names] = positionals
const command = commands[verb]
const unknown = names.find((name) => !services.some((service) => service.name === name))
if (command === undefined || unknown !== undefined) {
  if (unknown !== undefined) console.error(`There is no service '${unknown}'.`)
  const usage = `Say what to do: node scripts/services.ts up [--durable] [--major 18] | env | down | install, and with which of: ${services.map(({ name }) => name).join(', ')}`
  if (values.help && verb === '') console.log(usage)
  else {
    console.error(usage)
    process.exitCode = 1
  }
} else {
  await command(services.filter(({ name }) => names.includes(name)))
}

async function up(named: readonly Service[]): Promise<void> {
  const wanted = named.length > 0 ? named : [postgresService]
  for (const service of wanted) {
    if (process.env[service.variable] !== undefined || started(service) !== undefined) continue
    const place = await service.start({ durable: values.durable, major: values.major })
    mkdirSync(stateFolder, { recursive: true })
    writeFileSync(stateFile(service), JSON.stringify(place))
  }
  env(wanted)
}

function env(named: readonly Service[]): void {
  const lines = (named.length > 0 ? named : services).flatMap((service) => {
    const place = started(service)
    const url = process.env[service.variable] ?? (place === undefined ? undefined : service.urlOf(place))
    return url === undefined ? [] : [`export ${service.variable}='${url}'`]
  })
  for (const line of lines) console.log(line)
  if (lines.length > 0) return
  console.error('nothing is running: node scripts/services.ts up')
  process.exitCode = 1
}

function down(named: readonly Service[]): void {
  for (const service of named.length > 0 ? named : services) {
    const place = stored(service)
    if (place !== undefined) service.remove(place)
    rmSync(stateFile(service), { force: true })
  }
}

async function install(named: readonly Service[]): Promise<void> {
  for (const service of named.length > 0 ? named : services) {
    try {
      await service.install()
      for (const line of service.found()) console.log(`${service.name} ${line}`)
    } catch (error) {
      console.error(`${service.name}: ${error instanceof Error ? error.message : String(error)}`)
      process.exitCode = 1
    }
  }
}

function stateFile({ name }: Service): string {
  return join(stateFolder, `${name}.json`)
}

function stored(service: Service): Place | undefined {
  const file = stateFile(service)
  // Written by `up`.
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Place) : undefined
}

/** The machine may have been started anew since, or its temporary folder emptied. */
function started(service: Service): Place | undefined {
  const place = stored(service)
  return place !== undefined && service.isRunning(place) ? place : undefined
}
