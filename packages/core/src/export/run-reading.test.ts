/** How an export reads: ahead, but no further than it says, and what it says when something is not there any more. */
import { describe, expect, test } from 'vitest'
import { rowsOf } from '../../test/csv-reading.ts'
import { gone, LogSource, type Reading } from '../../test/log-source.ts'
import { readXes } from '../../test/xes-reading.ts'
import { isWorkflowError, StoreUnavailable } from '../errors.ts'
import { exportHistory } from './export-history.ts'
import type { ExportProblem, ExportProgress } from './exported-run.ts'

/** Everything that is given, and the error that ends it. */
async function taken(log: AsyncIterable<string>): Promise<{ readonly text: string; readonly error?: unknown }> {
  let text = ''
  try {
    for await (const chunk of log) text += chunk
    return { text }
  } catch (error) {
    return { text, error }
  }
}

const runIdsOf = (text: string): readonly string[] => [...new Set(rowsOf(text).map((row) => row['case_id'] ?? ''))]
const numbered = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `run-${i}`)

describe('reading ahead', () => {
  test.each([1, 4, 16])('has %d histories in hand at most, and keeps the order of the list', async (concurrency) => {
    const source = new LogSource({ runs: 450, before: () => new Promise((resolve) => void setImmediate(resolve)) })
    const { text } = await taken(exportHistory(source, { format: 'csv', concurrency }))
    expect(runIdsOf(text)).toEqual(numbered(450))
    expect(source.atOnceMax).toBe(concurrency)
  })

  test('stops when nobody takes, however many runs there are', async () => {
    const source = new LogSource({ runs: 1_000_000, versions: 20 })
    const log = exportHistory(source, { format: 'csv', concurrency: 8 })[Symbol.asyncIterator]()
    expect(source.asked).toEqual([])
    const inChunk = new Set(rowsOf((await log.next()).value ?? '').map((row) => row['case_id']))
    await turns()
    // Those of the chunk, those in hand, and the list up to the page after the one in hand.
    expect(source.asked.length).toBeLessThanOrEqual(inChunk.size + 8)
    expect(source.listed).toBe(200)
    await log.return?.()
    await turns()
    expect(source.listed).toBe(200)
  })

  test('gives many runs in chunks of like size, in memory that does not grow', async () => {
    const source = new LogSource({ runs: 2_000 })
    const lengths: number[] = []
    for await (const chunk of exportHistory(source, { format: 'xes' })) lengths.push(chunk.length)
    expect(lengths.length).toBeGreaterThan(50)
    expect(Math.max(...lengths)).toBeLessThan(40_000)
  })

  test('of a long history has one part in hand and one ahead', async () => {
    let read = 0
    const before = (reading: Reading): void => {
      if (reading.kind === 'history') read = reading.from
    }
    const source = new LogSource({ runs: 1, versions: 10_000, before })
    const log = exportHistory(source, { format: 'csv' })[Symbol.asyncIterator]()
    const rows = rowsOf((await log.next()).value ?? '').length
    await turns()
    expect(rows).toBeLessThan(1_000)
    expect(read).toBeLessThanOrEqual(rows + 200)
    let text = ''
    for (let next = await log.next(); next.done !== true; next = await log.next()) text += next.value
    expect(text.split('\r\n').length - 1 + rows).toBe(10_000)
  })

  test('tells how far it is, at the end as well', async () => {
    const told: ExportProgress[] = []
    await taken(exportHistory(new LogSource({ runs: 1_000 }), { format: 'csv', onProgress: (progress) => told.push(progress) }))
    expect(told.length).toBeGreaterThan(3)
    expect(told.at(-1)).toEqual({ runs: 1_000, entries: 3_000 })
    expect(told.map(({ runs }) => runs)).toEqual(told.map(({ runs }) => runs).sort((a, b) => a - b))
  })
})

describe('a store that goes away', () => {
  const away = new StoreUnavailable('the database does not answer')
  const failingAt = (runId: string) => (reading: Reading) => {
    if (reading.kind === 'history' && reading.runId === runId) throw away
  }

  test('ends the export with its code, and what was given is as far as the error says', async () => {
    const source = new LogSource({ runs: 1_000, before: failingAt('run-321') })
    const { text, error } = await taken(exportHistory(source, { format: 'csv' }))
    expect(runIdsOf(text)).toEqual(numbered(321))
    expect(isWorkflowError(error, 'StoreUnavailable')).toBe(true)
    expect(error).toMatchObject({ retryable: true, cause: away, details: { runs: 321, entries: 963 } })
    expect(String(error)).toMatch(
      /export of workflow 'made-up' ended at or soon after run run-321, with 321 runs \(963 entries\) written: the database does not answer\..*not a whole log: once that is over, export again/,
    )
  })

  test('leaves a file that no parser takes for a whole one', async () => {
    const { text } = await taken(exportHistory(new LogSource({ runs: 10, before: failingAt('run-3') }), { format: 'xes' }))
    expect(text).toContain('run-2')
    expect(() => readXes(text)).toThrow('not well-formed')
  })

  test('before the first run is told as such', async () => {
    const before = (): void => {
      throw away
    }
    const { text, error } = await taken(exportHistory(new LogSource({ runs: 1, before }), { format: 'csv' }))
    expect(rowsOf(text)).toEqual([])
    expect(String(error)).toContain('ended before the first run, with 0 runs')
  })

  test('while the next page of the list is read ahead costs none of the runs before', async () => {
    const before = (reading: Reading): void => {
      if (reading.kind === 'list' && reading.from > 0) throw away
    }
    const { text, error } = await taken(exportHistory(new LogSource({ runs: 300, before }), { format: 'csv', concurrency: 1 }))
    expect(runIdsOf(text)).toEqual(numbered(100))
    expect(error).toMatchObject({ details: { runs: 100, entries: 300 } })
  })

  test('is no reason for a rejection that nobody hears, when nobody takes any more', async () => {
    const heard: unknown[] = []
    const hear = (error: unknown): void => void heard.push(error)
    process.on('unhandledRejection', hear)
    try {
      const before = (reading: Reading): void => {
        if (reading.kind === 'list' ? reading.from > 0 : reading.runId !== 'run-0') throw away
      }
      const log = exportHistory(new LogSource({ runs: 500, versions: 400, before }), { format: 'csv', concurrency: 64 })[
        Symbol.asyncIterator
      ]()
      await log.next()
      await log.return?.()
      await turns()
      expect(heard).toEqual([])
    } finally {
      process.off('unhandledRejection', hear)
    }
  })
})

describe('a signal', () => {
  const reason = new Error('enough')

  test('that is aborted rejects at once, and nothing is read', async () => {
    const source = new LogSource({ runs: 1 })
    const { text, error } = await taken(exportHistory(source, { format: 'csv', signal: AbortSignal.abort(reason) }))
    expect({ text, error, listed: source.listed }).toEqual({ text: '', error: reason, listed: 0 })
  })

  test.each(['list', 'history'] as const)('ends the export while a %s does not answer', async (kind) => {
    const controller = new AbortController()
    const before = async (reading: Reading): Promise<void> => {
      if (reading.kind !== kind || (reading.kind === 'history' && reading.runId !== 'run-5')) return
      controller.abort(reason)
      await new Promise(() => undefined)
    }
    const { error } = await taken(exportHistory(new LogSource({ runs: 10, before }), { format: 'csv', signal: controller.signal }))
    expect(error).toBe(reason)
  })

  test('ends the export while a hook does not answer', async () => {
    const controller = new AbortController()
    const entry = (): Promise<never> => {
      controller.abort(reason)
      return new Promise(() => undefined)
    }
    const { error } = await taken(
      exportHistory(new LogSource({ runs: 10 }), { format: 'csv', redact: { entry }, signal: controller.signal }),
    )
    expect(error).toBe(reason)
  })

  test('keeps no listener of an export that is over', async () => {
    const controller = new AbortController()
    let listeners = 0
    const { signal } = controller
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1
      remove(...args)
    }
    await taken(exportHistory(new LogSource({ runs: 100 }), { format: 'csv', signal }))
    expect(listeners).toBe(0)
  })
})

describe('what is not there any more', () => {
  const told: ExportProblem[] = []
  const onProblem = (problem: ExportProblem): void => void told.push(problem)
  const exported = async (source: LogSource, format: 'csv' | 'xes' = 'csv') => {
    told.length = 0
    return await taken(exportHistory(source, { format, onProblem }))
  }

  test('a run that was purged after it was listed is left out, and told of', async () => {
    const before = (reading: Reading): void => {
      if (reading.kind === 'history' && reading.runId === 'run-1') throw gone('run-1')
    }
    const source = new LogSource({ runs: 3, before })
    const { text, error } = await exported(source)
    expect(error).toBeUndefined()
    expect(runIdsOf(text)).toEqual(['run-0', 'run-2'])
    expect(told).toMatchObject([{ kind: 'run-gone', workflowName: 'made-up', runId: 'run-1', foreignId: 'foreign-1' }])
    expect(readXes((await exported(source, 'xes')).text).traces).toHaveLength(2)
    // Also where nobody is told.
    expect(runIdsOf((await taken(exportHistory(source, { format: 'csv' }))).text)).toEqual(['run-0', 'run-2'])
  })

  test('a run that is purged between two parts of its history ends there, and the log stays whole', async () => {
    const before = (reading: Reading): void => {
      if (reading.kind === 'history' && reading.runId === 'run-1' && reading.from >= 400) throw gone('run-1')
    }
    const { text, error } = await exported(new LogSource({ runs: 3, versions: 500, before }), 'xes')
    expect(error).toBeUndefined()
    expect(readXes(text).traces.map(({ events }) => events.length)).toEqual([500, 400, 500])
    expect(told).toMatchObject([{ kind: 'run-gone', runId: 'run-1' }])
  })

  test('versions that are missing are told, from the first of them', async () => {
    const keeps = (runId: string, version: number): boolean => runId !== 'run-1' || ![1, 2, 5, 9, 10].includes(version)
    const { text } = await exported(new LogSource({ runs: 3, versions: 10, keeps }))
    expect(rowsOf(text)).toHaveLength(25)
    expect(told).toMatchObject([
      { kind: 'history-incomplete', runId: 'run-1', version: 1, text: expect.stringContaining('versions 1 to 2 are not in its history') },
      { kind: 'history-incomplete', runId: 'run-1', version: 5, text: expect.stringContaining('version 5 is not') },
      { kind: 'history-incomplete', runId: 'run-1', version: 9, text: expect.stringContaining('versions 9 to 10 are not') },
    ])
  })

  test('what the one who is told throws ends the export', async () => {
    const enough = new Error('enough')
    const source = new LogSource({ runs: 3, keeps: () => false })
    const onProblem = (): void => {
      throw enough
    }
    expect((await taken(exportHistory(source, { format: 'csv', onProblem }))).error).toBe(enough)
  })
})

/** Everything that can happen without time passing has happened. */
async function turns(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => void setImmediate(resolve))
}
