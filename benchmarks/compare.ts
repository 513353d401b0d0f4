/** The same job of three steps on Workflow and on others, one after the other, on the same server. See README.md. */
import { type Asked, askedBy } from './compare/asked.ts'
import { nodeOptions } from './compare/contender-process.ts'
import { complaints, contest, type Outcome } from './compare/contest.ts'
import { type Entrant, entrants } from './compare/entrants.ts'
import { installPeers } from './compare/installation.ts'
import { openPostgres } from './compare/postgres-place.ts'
import { openRedis } from './compare/redis-place.ts'
import type { Server } from './compare/server.ts'
import { factsOf, figuresOf, latencyTable, ratios, throughputTable } from './compare/standings.ts'
import { machine, Report } from './harness/report.ts'

const servers = new Map<Entrant['server'], Server>()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    for (const server of servers.values()) server.kill()
    process.exit(1)
  })

try {
  await compare(
    askedBy(
      process.argv.slice(2),
      entrants.map(({ name }) => name),
    ),
  )
} catch (error) {
  failed('nothing was compared', error)
}

async function compare(asked: Asked): Promise<void> {
  const report = new Report('compare', asked.json)
  const asking = entrants.filter(({ name }) => asked.peers.includes(name))
  if (asking.some(({ peer }) => peer !== undefined)) {
    report.progress('installing the peers')
    installPeers()
  }
  const outcomes: Outcome[] = []
  try {
    for (const entrant of asking) {
      report.progress(entrant.name)
      const outcome = await measured(entrant, asked)
      if (outcome === undefined) continue
      outcomes.push(outcome)
      report.add(outcome.name, figuresOf(outcome))
    }
    if (!asked.json && outcomes.length > 0) print(outcomes, asked)
  } finally {
    for (const server of servers.values()) await server[Symbol.asyncDispose]()
  }
}

/** Undefined if it failed, which is said aloud and makes the command fail; the others are still worth measuring. */
async function measured(entrant: Entrant, asked: Asked): Promise<Outcome | undefined> {
  try {
    const server = await serverOf(entrant)
    if (server === undefined) return undefined
    await using place = await server.place(entrant.name)
    const outcome = await contest(entrant.name, entrant.module, place, asked)
    for (const complaint of complaints(outcome)) failed(entrant.name, new Error(complaint))
    return outcome
  } catch (error) {
    failed(entrant.name, error)
    return undefined
  }
}

/** Undefined where there is none and there need not be: Redis is there for orientation. */
async function serverOf({ name, server: kind }: Entrant): Promise<Server | undefined> {
  const known = servers.get(kind)
  if (known !== undefined) return known
  try {
    const server = await (kind === 'redis' ? openRedis() : openPostgres())
    servers.set(kind, server)
    return server
  } catch (error) {
    if (kind === 'postgres') throw error
    process.stderr.write(
      `${name} is skipped: ${error instanceof Error ? error.message : String(error)}. Install redis-server to measure it.\n`,
    )
    return undefined
  }
}

function print(outcomes: readonly Outcome[], { runs, seconds, windows }: Asked): void {
  const durability = [...servers.values()].map((server) => server.durability)
  const parts = [
    throughputTable(outcomes),
    latencyTable(outcomes),
    ratios(outcomes).join('\n'),
    factsOf(outcomes),
    [
      ...durability,
      `burst of ${runs}, ${seconds} s each, windows of ${windows.join(' and ')}; every client is node ${nodeOptions.join(' ')}`,
      `compare · ${machine()} · ${new Date().toISOString().slice(0, 10)}`,
    ].join('\n'),
  ]
  process.stdout.write(`${parts.filter((part) => part !== '').join('\n\n')}\n`)
}

function failed(what: string, error: unknown): void {
  process.stderr.write(`${what} failed: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
