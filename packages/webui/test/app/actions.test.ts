/** What may be done to runs, and doing it to many. */
import { describe, expect, test } from 'vitest'
import { ApiFault, type Ask } from '../../app/data/api-client.ts'
import { type BulkProgress, runBulk } from '../../app/data/bulk-run.ts'
import { actionLabel, freshKey, runActions } from '../../app/data/run-action.ts'

test('a run is offered what its state allows', () => {
  const names = (...of: Parameters<typeof runActions>): string =>
    runActions(...of)
      .map(({ name }) => name)
      .join(' ')
  expect(names('Running', false)).toBe('pause cancel')
  expect(names('Running', true)).toBe('pause moveTo cancel')
  expect(names('Paused', false)).toBe('resume moveTo cancel')
  expect(names('Completed', false)).toBe('retry deleteData')
  expect(names('DataDeleted', false)).toBe('')
  expect(actionLabel('moveTo')).toBe('Move to a status')
})

test('every decision has a key of its own', () => {
  expect(freshKey()).toMatch(/^[0-9a-f]{32}$/)
  expect(freshKey()).not.toBe(freshKey())
})

describe('runBulk', () => {
  const targets = Array.from({ length: 60 }, (_, i) => ({ runId: `r${i}`, foreignId: `f${i}`, version: i + 1 }))
  const job = { workflow: 'orders', action: 'pause', reason: 'maintenance', targets } as const
  interface Sent {
    readonly runs: readonly { readonly runId: string; readonly ifVersion: number }[]
  }
  // The client gives what the server answers, whatever that is.
  const askOf = (answer: (sent: Sent) => unknown): Ask => (async (_path, options) => answer(options?.body as Sent)) as Ask

  test('goes chunk by chunk, with the versions that were seen, and tells how far it is', async () => {
    const sent: Sent[] = []
    const ask = askOf((body) => {
      sent.push(body)
      return {
        results: body.runs.map(({ runId }) =>
          runId === 'r3' ? { runId, ok: false, code: 'StaleVersion', message: 'moved' } : { runId, ok: true },
        ),
      }
    })
    const seen: number[] = []
    const end = await runBulk(ask, job, { signal: new AbortController().signal, onProgress: ({ done }) => seen.push(done) })
    expect(seen).toEqual([25, 50, 60])
    expect(sent.flatMap(({ runs }) => runs)).toEqual(targets.map(({ runId, version }) => ({ runId, ifVersion: version })))
    expect(end.failures.map(({ target, message }) => `${target.foreignId} ${message}`)).toEqual(['f3 moved'])
  })

  test('goes on after a chunk that fails, and says that its runs may have been touched', async () => {
    let chunk = 0
    const ask = askOf(({ runs }) => {
      if (++chunk === 2) throw new ApiFault('Unreachable', 'no answer', 0)
      return { results: runs.map(({ runId }) => ({ runId, ok: true })) }
    })
    const end = await runBulk(ask, job, { signal: new AbortController().signal, onProgress: () => undefined })
    expect([end.done, end.failures.length, end.failures[0]?.message]).toEqual([60, 25, 'no answer: look whether it was touched'])
  })

  test('stops before the next chunk, and does not forget a run of which nothing is said', async () => {
    const controller = new AbortController()
    const seen: BulkProgress[] = []
    const ask = askOf(() => ({ results: [] }))
    await runBulk(ask, job, {
      signal: controller.signal,
      onProgress: (progress) => {
        seen.push(progress)
        controller.abort()
      },
    })
    expect(seen.map(({ done, failures }) => [done, failures.length])).toEqual([[25, 25]])
  })
})
