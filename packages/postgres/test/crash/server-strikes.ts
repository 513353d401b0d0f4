/** What a server does, and what is done to it. */
import pg from 'pg'
import { aMoment, type Scene, type Strike, schema, sessionsOf } from './scene.ts'

export const serverStrikes: Readonly<Record<string, Strike>> = {
  'server restarted': ({ server }) => server.restartImmediately(),
  'server killed': ({ server }) => server.restartKilled(),
  // The server ends all other sessions, too, and recovers by itself.
  'session killed': async ({ server }) => {
    const pids = await server.session((client) => sessionsOf(client))
    if (pids[0] !== undefined) process.kill(pids[0], 'SIGKILL')
    await recovered(server.url)
  },
  'sessions terminated': (scene) => signalled(scene, 'pg_terminate_backend'),
  'statements cancelled': (scene) => signalled(scene, 'pg_cancel_backend'),
  'statements timed out': (scene) => withSetting(scene, 'statement_timeout', '4ms'),
  'serializable by default': (scene) => withSetting(scene, 'default_transaction_isolation', 'serializable'),
  'read-only for a while': (scene) => withSetting(scene, 'default_transaction_read_only', 'on'),
  'server full': async (scene) => {
    const hogs: pg.Client[] = []
    // What the workers have is taken from them, so that they must ask for more.
    for (const proxy of scene.proxies) proxy.cut()
    try {
      for (;;) {
        const hog = new pg.Client({ connectionString: scene.server.url, application_name: 'hog' })
        hog.on('error', () => undefined)
        await hog.connect()
        hogs.push(hog)
      }
    } catch {
      // Full.
    }
    await aMoment(scene.random)
    await Promise.all(hogs.map((hog) => hog.end()))
  },
}

/** All sessions at once, three times in short order. */
async function signalled({ server, random }: Scene, what: 'pg_terminate_backend' | 'pg_cancel_backend'): Promise<void> {
  for (let times = 0; times < 3; times++) {
    await server.session((client) => client.query(`SELECT ${what}(pid) FROM pg_stat_activity WHERE application_name = 'workflow'`))
    await aMoment(() => random() / 3)
  }
}

/** For connections that are made meanwhile, and all are made anew. */
async function withSetting({ server, proxies, random }: Scene, name: string, value: string): Promise<void> {
  const set = (sql: string): Promise<unknown> =>
    server.session(async (client) => {
      await client.query('SET default_transaction_read_only = off')
      await client.query(`ALTER DATABASE postgres ${sql}`)
      for (const proxy of proxies) proxy.cut()
    })
  await set(`SET ${name} = '${value}'`)
  await aMoment(random)
  await set(`RESET ${name}`)
}

async function recovered(url: string): Promise<void> {
  for (;;) {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query(`SELECT 1 FROM "${schema}".meta`)
      return
    } catch {
      // Not yet.
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}
