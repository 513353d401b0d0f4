/** What the web UI takes for its answers, and what it costs an engine to be looked at. */
import { webuiApi } from './cases/webui-api.ts'
import { webuiFirstRow } from './cases/webui-first-row.ts'
import { webuiLive } from './cases/webui-live.ts'
import { bench } from './harness/bench.ts'
import { claimsOnPostgres } from './harness/claims-on-postgres.ts'
import { claimsOnSqlite } from './harness/claims-on-sqlite.ts'
import { KeptClaims } from './harness/kept-claims.ts'
import { startServer } from './harness/postgres-schema.ts'
import { filePlace } from './harness/sqlite-file.ts'

const server = await startServer()
const onSqlite = new KeptClaims(claimsOnSqlite)
const onPostgres = new KeptClaims(async (copies) => claimsOnPostgres(await server.place(), copies))
try {
  await bench(
    'webui',
    [
      webuiApi('api-sqlite', onSqlite),
      webuiFirstRow('first-row-sqlite', onSqlite),
      webuiApi('api-postgres', onPostgres),
      webuiFirstRow('first-row-postgres', onPostgres),
      webuiLive('live', filePlace),
    ],
    server.about,
  )
} finally {
  await onSqlite[Symbol.asyncDispose]()
  await onPostgres[Symbol.asyncDispose]()
  await server.stop()
}
