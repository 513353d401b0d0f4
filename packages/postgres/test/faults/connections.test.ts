/** What a network does to the connections, one fault at a time. */
import { type EventReceiver, isWorkflowError, type RunEvent, StoreUnavailable } from '@workflow/core/adapter'
import { describe, expect, test } from 'vitest'
import { newest } from '../database.ts'
import { claimsOf, layout, topic, unitOf, workflowName } from '../../../testing/test/database/make-unit.ts'
import { behindProxy, hitNextAnswer, hitNextCommit } from './behind-proxy.ts'
import { endsAnswer } from './fault-proxy.ts'

const spec = { durable: true, workflowName, name: 'steps', topics: [topic], from: 'earliest' } as const
const queryTimeout = '1500ms'

describe.skipIf(newest === undefined)('a connection', () => {
  test.each([
    ['is lost with the answer, after the commit', true, hitNextAnswer, 'cut'],
    ['keeps the answer to itself, after the commit', true, hitNextAnswer, 'swallow'],
    ['is lost in the middle of the statement', false, hitNextCommit, 'half'],
    ['never passes the statement on', false, hitNextCommit, 'swallow'],
  ] as const)('that %s: the outcome is unknown, sent again it is once, and so is its event', { timeout: 60_000 }, async (...row) => {
    const [, committed, hitNext, verdict] = row
    await using behind = await behindProxy()
    const db = behind.open({ queryTimeout })
    await db.eventStreamer.ensure(layout)
    await db.recordStore.commit(unitOf('run', 1))
    hitNext(behind.proxy, verdict)
    const lost = db.recordStore.commit(unitOf('run', 2))
    await expect(lost).rejects.toBeInstanceOf(StoreUnavailable)
    await expect(lost).rejects.toMatchObject({ retryable: true })
    expect(await behind.place.sql('SELECT version FROM {record}')).toEqual([[committed ? '2' : '1']])
    expect(await db.recordStore.commit(unitOf('run', 2))).toMatchObject({ ok: true, replayed: committed })
    expect(await db.recordStore.commit(unitOf('run', 3))).toMatchObject({ ok: true, replayed: false })
    await using receiver = await db.eventStreamer.newReceiver({ ...spec, claims: claimsOf(1n) })
    expect(await versionsOf(receiver, 3)).toEqual([1, 2, 3])
  })

  test.each([
    ['lost', 'cut'],
    ['kept', 'swallow'],
  ] as const)(
    'whose answer was %s: a receiver that was there before gets the event once and in order',
    { timeout: 60_000 },
    async (...row) => {
      const [, verdict] = row
      await using behind = await behindProxy()
      const db = behind.open({ queryTimeout, crossProcessPolling: '50ms' })
      await db.eventStreamer.ensure(layout)
      await using receiver = await db.eventStreamer.newReceiver({ ...spec, claims: claimsOf(1n) })
      await db.recordStore.commit(unitOf('run', 1))
      hitNextAnswer(behind.proxy, verdict)
      await expect(db.recordStore.commit(unitOf('run', 2))).rejects.toBeInstanceOf(StoreUnavailable)
      // Nobody sends it again: it was committed, so its event comes.
      await db.recordStore.commit(unitOf('run', 3))
      expect(await versionsOf(receiver, 3)).toEqual([1, 2, 3])
    },
  )

  test('that breaks between two statements of a transaction fails the transaction, not the process', { timeout: 60_000 }, async () => {
    await using behind = await behindProxy()
    const db = behind.open()
    const { signal } = new AbortController()
    const work = db.recordStore.transaction?.(
      async (tx, commit) => {
        await commit(unitOf('run', 1))
        const end = new Promise<void>((resolve) => tx.on('end', resolve))
        behind.proxy.cut()
        await end
        return await tx.query('SELECT 1')
      },
      { signal },
    )
    await expect(work).rejects.toMatchObject({ retryable: true })
    expect(await db.recordStore.lookup('run')).toBeUndefined()
    expect(await db.recordStore.commit(unitOf('run', 1))).toMatchObject({ ok: true, replayed: false })
  })

  test('that ends right behind its welcome is a failure like any other', { timeout: 60_000 }, async () => {
    await using behind = await behindProxy()
    const db = behind.open()
    behind.proxy.judge = (direction, piece) => {
      if (direction !== 'replies' || !endsAnswer(piece)) return 'pass'
      behind.proxy.judge = undefined
      return Buffer.concat([piece, fatal])
    }
    await expect(db.recordStore.lookup('run')).rejects.toMatchObject({ code: 'StoreUnavailable', retryable: true })
    expect(await db.recordStore.lookup('run')).toBeUndefined()
  })

  test('whose packets vanish holds nobody up for longer than queryTimeout', { timeout: 60_000 }, async () => {
    await using behind = await behindProxy()
    const db = behind.open({ queryTimeout, crossProcessPolling: '50ms' })
    const other = behind.place.open()
    await db.eventStreamer.ensure(layout)
    await using receiver = await db.eventStreamer.newReceiver({ ...spec, claims: claimsOf(1n) })
    for (const direction of ['requests', 'replies'] as const) {
      const before = (await behind.place.sql('SELECT count(*) FROM {record}'))[0]?.[0]
      const runId = `run ${String(before)}`
      behind.proxy.swallow(direction)
      const since = performance.now()
      // Another process writes, and this one hears neither of it nor of anything it asks on the connections it had.
      await other.recordStore.commit(unitOf(runId, 1))
      expect(await versionsOf(receiver, 1)).toEqual([1])
      expect(performance.now() - since).toBeLessThan(10_000)
    }
  })
})

/** As a server says that it ends a session. */
const fatalText = 'SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'
const fatal = Buffer.concat([Buffer.from('E'), Buffer.from([0, 0, 0, fatalText.length + 4]), Buffer.from(fatalText)])

/** Versions of the next events, however often it has to be asked, as the engine does. */
async function versionsOf(receiver: EventReceiver<RunEvent>, count: number): Promise<readonly number[]> {
  const versions: number[] = []
  const signal = AbortSignal.timeout(20_000)
  while (versions.length < count) {
    try {
      versions.push(...(await receiver.receive({ max: 100, signal })).map(({ event }) => event.version))
    } catch (error) {
      if (!isWorkflowError(error, 'StoreUnavailable')) throw error
    }
  }
  return versions
}
