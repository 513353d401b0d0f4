import { randomUUID } from 'node:crypto'
import pg from 'pg'

/** A database of its own on a server, for a test. Disposing it deletes it. */
export interface FreshDatabase extends AsyncDisposable {
  readonly url: string
}

/** The user of the URL must be allowed to create databases. */
export async function freshDatabase(serverUrl: string): Promise<FreshDatabase> {
  const name = `sql_example_${randomUUID().replaceAll('-', '')}`
  await onServer(serverUrl, `CREATE DATABASE ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  // Not by force: Postgres waits some seconds for sessions that are just ending.
  return { url: url.href, [Symbol.asyncDispose]: () => onServer(serverUrl, `DROP DATABASE ${name}`) }
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
