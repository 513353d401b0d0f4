import { postgresBinaries } from '../../../scripts/services/postgres-binaries.ts'
import { startPostgres } from '../../../scripts/services/postgres-server.ts'

/** Where the database is. Disposing it stops and deletes the server, if it was started here. */
export interface FoundServer extends Disposable {
  readonly url: string
  /** For people: where it came from. */
  readonly origin: string
}

const variable = 'WORKFLOW_TEST_POSTGRES_URL'

/** The server that the environment names, else one of this program's own: from npm, in a temporary folder, without root and without Docker. */
export async function findServer(): Promise<FoundServer> {
  const url = process.env[variable]
  if (url !== undefined) return { url, origin: `the Postgres of ${variable}`, [Symbol.dispose]: () => undefined }
  const [binaries] = postgresBinaries()
  if (binaries === undefined) throw new Error(`there is no Postgres to start: run pnpm install, or set ${variable} to the URL of one`)
  const server = await startPostgres(binaries)
  return { url: server.url, origin: `a Postgres ${binaries.major} of its own, gone at the end`, [Symbol.dispose]: () => server.remove() }
}
