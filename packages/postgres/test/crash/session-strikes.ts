/** What other sessions and the workers' own machines do. */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { aMoment, type Scene, type Strike, schema } from './scene.ts'

const runsMax = 40
const jumpMsMax = 4_000

export const sessionStrikes: Readonly<Record<string, Strike>> = {
  'rows locked': (scene) =>
    inTransaction(scene, async (client) => {
      await client.query(`SELECT 1 FROM "${schema}".record WHERE ended = 0 ORDER BY random() LIMIT ${runsMax} FOR UPDATE SKIP LOCKED`)
      await aMoment(scene.random)
    }),
  // Rows are written one by one, in an order that nobody else has.
  deadlocks: (scene) =>
    inTransaction(scene, async (client) => {
      const { rows } = await client.query<{ readonly seq: string }>(
        `SELECT seq FROM "${schema}".record WHERE ended = 0 ORDER BY random() LIMIT ${runsMax}`,
      )
      for (const { seq } of rows) await client.query(`UPDATE "${schema}".record SET metadata = metadata WHERE seq = $1`, [seq])
    }),
  // It has drawn a number of the log that it never fills, and a transaction id.
  'idle in a transaction': (scene) =>
    inTransaction(scene, async (client) => {
      await client.query(`SELECT pg_current_xact_id(), nextval('"${schema}".batch')`)
      await aMoment(scene.random)
    }),
  // As a machine that is suspended, or a process that collects garbage for too long.
  'process stopped': async ({ alive, leaseMs, random }) => {
    const one = alive[Math.floor(random() * alive.length)]
    if (one === undefined) return
    process.kill(one.pid, 'SIGSTOP')
    await sleep(leaseMs * (0.5 + 1.5 * random()))
    process.kill(one.pid, 'SIGCONT')
  },
  'clock jumped': async ({ alive, random }) => {
    const one = alive[Math.floor(random() * alive.length)]
    one?.tell(`wall ${Math.round((random() - 0.5) * 2 * jumpMsMax)}`)
  },
}

/** What is done in it is taken back. */
async function inTransaction({ server }: Scene, work: (client: pg.Client) => Promise<void>): Promise<void> {
  await server.session(async (client) => {
    await client.query('BEGIN')
    try {
      await work(client)
    } catch {
      // A victim of its own deadlock.
    }
    await client.query('ROLLBACK')
  })
}
