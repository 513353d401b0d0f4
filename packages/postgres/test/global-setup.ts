/** Starts the servers that the tests talk to, unless the environment names one: see scripts/services.ts. */
import type { TestProject } from 'vitest/node'
import { postgresBinaries } from '../../../scripts/services/postgres-binaries.ts'
import { startPostgres, type PostgresServer } from '../../../scripts/services/postgres-server.ts'

/** A server that tests may use. */
export interface TestServer {
  readonly name: string
  readonly url: string
}

declare module 'vitest' {
  export interface ProvidedContext {
    readonly postgresServers: readonly TestServer[]
  }
}

const started: PostgresServer[] = []

export async function setup(project: TestProject): Promise<void> {
  const url = process.env['WORKFLOW_TEST_POSTGRES_URL']
  const servers: TestServer[] = url === undefined ? [] : [{ name: 'Postgres of WORKFLOW_TEST_POSTGRES_URL', url }]
  if (url === undefined) {
    for (const binaries of postgresBinaries()) {
      try {
        const server = await startPostgres(binaries)
        started.push(server)
        servers.push({ name: `Postgres ${binaries.major}`, url: server.url })
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        console.error(`THE TESTS ON POSTGRES ${binaries.major} (${binaries.origin}) ARE SKIPPED: ${reason.replaceAll('\n', ' ')}`)
      }
    }
  }
  if (servers.length === 0)
    console.error('THE TESTS OF @workflow/postgres ARE SKIPPED: there is no Postgres. Run pnpm install, or set WORKFLOW_TEST_POSTGRES_URL.')
  project.provide('postgresServers', servers)
}

export function teardown(): void {
  for (const server of started.splice(0)) server.remove()
}
