/** What becomes of the server itself, under work in flight. Each test breaks a server of its own. */
import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { postgres, type Postgres, type PostgresOptions } from '../../src/index.ts'
import { astray, atWork, leave } from './errands.ts'
import { OwnServer } from './own-server.ts'

const timeout = 120_000

async function ownServer(settings: Readonly<Record<string, string>> = {}): Promise<OwnServer> {
  const server = await OwnServer.start(settings)
  onTestFinished(() => server[Symbol.dispose]())
  return server
}

function open(server: OwnServer, options: Partial<PostgresOptions> = {}): Postgres<pg.PoolClient> {
  const db = postgres<pg.PoolClient>({ connectionString: server.url, lease: '1s', queryTimeout: '5s', ...options })
  onTestFinished(() => db.close())
  return db
}

describe.skipIf(!OwnServer.available())('a server', () => {
  test.each([
    ['restarted without a word', 'restartImmediately'],
    ['killed and started again', 'restartKilled'],
  ] as const)('that is %s has lost nothing that was answered, and work goes on by itself', { timeout }, async (...row) => {
    const [, restart] = row
    const server = await ownServer()
    const [one, other] = [await atWork(open(server), { storeTimeout: '60s' }), await atWork(open(server), { storeTimeout: '60s' })]
    const before = [...(await leave(one, 'before', 100)), ...(await leave(other, 'before there', 1))]
    // In flight while the server goes.
    const [during] = await Promise.all([leave(other, 'during', 100), server[restart]()])
    const since = performance.now()
    const after = await leave(one, 'after', 20)
    expect(await astray(other, after)).toEqual([])
    expect(performance.now() - since).toBeLessThan(10_000)
    expect(await astray(one, [...before, ...during])).toEqual([])
    await one.stop({ timeout: '0ms' })
    await other.stop({ timeout: '0ms' })
  })

  test('that is full says so; what waits is done when there is room again', { timeout }, async () => {
    const server = await ownServer({ max_connections: '20' })
    const db = open(server)
    const wf = await atWork(db, { storeTimeout: '60s' })
    const before = await leave(wf, 'before', 50)
    const hogs = await everyConnection(server)
    const full = open(server)
    await expect(full.recordStore.lookup('nobody')).rejects.toMatchObject({
      code: 'StoreUnavailable',
      retryable: true,
      message: expect.stringMatching(/no connection left: raise its max_connections/),
    })
    const meanwhile = leave(wf, 'meanwhile', 50)
    await Promise.all(hogs.map((hog) => hog.end()))
    expect(await astray(wf, [...before, ...(await meanwhile)])).toEqual([])
    expect(await full.recordStore.lookup('nobody')).toBeUndefined()
    await wf.stop({ timeout: '0ms' })
  })

  test('that ends all sessions ends no process of ours', { timeout }, async () => {
    const server = await ownServer()
    const wf = await atWork(open(server), { storeTimeout: '60s' })
    const runIds = [...(await leave(wf, 'before', 1))]
    for (let round = 0; round < 3; round++) {
      const leaving = leave(wf, `round ${round}`, 30)
      await server.session((client) =>
        client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'workflow'"),
      )
      runIds.push(...(await leaving))
    }
    expect(await astray(wf, runIds)).toEqual([])
    await wf.stop({ timeout: '0ms' })
  })
})

/** Takes connections until there are no more, and after that those that others give back. */
async function everyConnection({ url }: OwnServer): Promise<readonly pg.Client[]> {
  const hogs: pg.Client[] = []
  for (;;) {
    const hog = new pg.Client({ connectionString: url })
    hog.on('error', () => undefined)
    try {
      await hog.connect()
      hogs.push(hog)
    } catch (error) {
      expect(error).toMatchObject({ code: '53300' })
      return hogs
    }
  }
}
