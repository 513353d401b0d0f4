export type { PgClient, PgPool, PgQuery, PgResult } from './driver.ts'
export { postgresGrants, postgresSchema, type SchemaOptions } from './migrate.ts'
export {
  migratePostgres,
  postgres,
  postgresEventStreamer,
  postgresRecordStore,
  postgresRoleScheduler,
  postgresTimeoutStore,
  type Postgres,
  type PostgresEventStreamerOptions,
  type PostgresOptions,
  type PostgresRoleOptions,
} from './postgres.ts'
export type { PostgresConnectionOptions } from './settings.ts'
