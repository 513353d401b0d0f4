/** A server that dies before what nobody had to wait for is on its disk: numbers that it has told are drawn again. */
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { postgres } from '../../src/index.ts'
import { layout, topic, unitOf, workflowName } from '../../../testing/test/database/make-unit.ts'
import { OwnServer } from './own-server.ts'

const batch = '"workflow"."batch"'

/** Draws numbers until the next one has to be written to the log of the server first. */
async function untilNextIsLogged(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ log_cnt: string }>(`SELECT log_cnt FROM ${batch}`)
    if (rows[0]?.log_cnt === '0') return
    await client.query(`SELECT nextval('${batch}')`)
  }
}

describe.skipIf(!OwnServer.available())('a server that forgets', () => {
  test('the last number of a batch: whoever began to read there gets the event that bears it the next time', {
    timeout: 60_000,
  }, async () => {
    // Nothing reaches the disk but what a commit waits for.
    using server = await OwnServer.start({ wal_writer_delay: '10s', autovacuum: 'off', checkpoint_timeout: '1h' })
    const options = { connectionString: server.url, crossProcessPolling: '50ms' } as const
    await using reads = postgres<pg.PoolClient>(options)
    await using writes = postgres<pg.PoolClient>(options)
    await reads.eventStreamer.ensure(layout)
    await reads.recordStore.commit(unitOf('first', 1))
    await writes.recordStore.commit(unitOf('second', 1))
    const drawing = new pg.Client({ connectionString: server.url })
    drawing.on('error', () => undefined)
    await drawing.connect()
    await untilNextIsLogged(drawing)
    await drawing.query('BEGIN')
    await drawing.query(`SELECT pg_current_xact_id(), nextval('${batch}')`)
    await using receiver = await reads.eventStreamer.newReceiver({ durable: false, workflowName, topics: [topic], from: 'latest' })
    await server.restartKilled()
    await drawing.end().catch(() => undefined)
    // Whoever draws the number now has a younger transaction than the one that was the youngest when reading began.
    await server.session(async (client) => {
      for (let i = 0; i < 20; i++) await client.query('SELECT pg_current_xact_id()')
    })
    await server.session(async (tx) => {
      await tx.query('BEGIN')
      await expect
        .poll(() => writes.recordStore.commit(unitOf('late', 1), { tx: tx as unknown as pg.PoolClient }).catch(() => undefined), {
          timeout: 20_000,
        })
        .toMatchObject({ ok: true })
      // The reader has looked meanwhile: what others commit after this it is told of.
      await writes.recordStore.commit(unitOf('other', 1))
      const signal = AbortSignal.timeout(20_000)
      const seen: string[] = []
      while (!seen.includes('other')) {
        const deliveries = await receiver.receive({ max: 10, signal }).catch((error: unknown) => {
          signal.throwIfAborted()
          return error instanceof Error ? [] : []
        })
        seen.push(...deliveries.map(({ event }) => event.runId))
      }
      expect(seen).toEqual(['other'])
      await tx.query('COMMIT')
      expect((await receiver.receive({ max: 10, signal })).map(({ event }) => event.runId)).toEqual(['late'])
    })
  })
})
