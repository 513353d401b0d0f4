/** An instance that goes silent while it holds something that all others need. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { newest } from '../database.ts'
import { unitOf } from '../../../testing/test/database/make-unit.ts'
import { behindProxy } from './behind-proxy.ts'

describe.skipIf(newest === undefined)('an instance that goes silent', () => {
  test('in the middle of looking at the roles holds up nobody else for longer than its lease', { timeout: 60_000 }, async () => {
    await using behind = await behindProxy()
    const leaseMs = 1_000
    const silent = behind.open({ lease: '1s' })
    const other = behind.place.open({ lease: '1s' })
    const { signal } = new AbortController()
    await other.roleScheduler.awaitRole('first', { signal, generation: 0 })
    // It locks the counter of the roles, and that is the last that is heard of it.
    behind.proxy.judge = (direction, _piece, { request }) => {
      if (direction !== 'replies' || !request.includes("'roles' FOR UPDATE")) return 'pass'
      behind.proxy.judge = undefined
      behind.proxy.refuses = true
      behind.proxy.swallow('requests')
      return 'swallow'
    }
    const abort = new AbortController()
    const waiting = silent.roleScheduler.awaitRole('second', { signal: abort.signal, generation: 0 }).catch((error: unknown) => error)
    await expect.poll(() => behind.proxy.refuses, { timeout: 10_000 }).toBe(true)
    const since = performance.now()
    await other.roleScheduler.awaitRole('third', { signal, generation: 0 })
    expect(performance.now() - since).toBeLessThan(5 * leaseMs)
    abort.abort(new Error('enough'))
    await waiting
    behind.proxy.refuses = false
    behind.proxy.cut()
  })

  test('in a transaction of a step holds its run up for no longer than queryTimeout', { timeout: 60_000 }, async () => {
    await using behind = await behindProxy()
    const silent = behind.open({ queryTimeout: '2s' })
    const other = behind.place.open({ busyTimeout: '50ms' })
    await other.recordStore.commit(unitOf('run', 1))
    const { promise: written, resolve } = Promise.withResolvers<void>()
    const abort = new AbortController()
    const step = silent.recordStore.transaction?.(
      async (_tx, commit) => {
        await commit(unitOf('run', 2))
        behind.proxy.swallow('requests')
        resolve()
        return await new Promise<never>(() => undefined)
      },
      { signal: abort.signal },
    )
    await written
    // Its successor does the step anew.
    expect(await other.recordStore.commit(unitOf('run', 2))).toEqual({ ok: false, reason: 'busy' })
    await expect.poll(() => other.recordStore.commit(unitOf('run', 2)), { timeout: 10_000 }).toMatchObject({ ok: true, replayed: false })
    abort.abort(new Error('enough'))
    await expect(step).rejects.toThrow('enough')
  })

  test('keeps no process alive that has closed', { timeout: 60_000 }, async () => {
    await using behind = await behindProxy()
    await behind.place.open().recordStore.lookup('a run')
    const child = fork(fileURLToPath(new URL('leaving-process.ts', import.meta.url)), [behind.proxy.url, behind.place.schema], {
      execArgv: ['--conditions=@workflow/source'],
    })
    try {
      await once(child, 'message')
      behind.proxy.swallow('requests')
      child.send('leave')
      expect(await once(child, 'exit', { signal: AbortSignal.timeout(20_000) })).toEqual([0, null])
    } finally {
      child.kill('SIGKILL')
    }
  })
})
