import { format } from 'node:util'
import { afterEach, expect, test, vi } from 'vitest'
import { consoleLogger, type LogLevel } from './console-logger.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

function written(level?: LogLevel): unknown[] {
  const lines: unknown[] = []
  for (const name of ['debug', 'info', 'warn', 'error'] as const)
    vi.spyOn(console, name).mockImplementation((...line) => lines.push([name, ...line]))
  const logger = consoleLogger(level === undefined ? {} : { level })
  for (const name of ['debug', 'info', 'warn', 'error'] as const) logger[name]({ runId: 'r' }, 'said')
  return lines
}

test('warnings and errors are written, the message first, and nothing else', () => {
  expect(written()).toEqual([
    ['warn', 'said', { runId: 'r' }],
    ['error', 'said', { runId: 'r' }],
  ])
})

test('a message that looks like a format is none', () => {
  const lines: string[] = []
  vi.spyOn(console, 'warn').mockImplementation((...line) => lines.push(format(...line)))
  consoleLogger().warn({ secret: 1 }, 'done by 50%o, 100%')
  expect(lines).toEqual(['done by 50%o, 100% { secret: 1 }'])
})

test('the level says what is written', () => {
  expect(written('debug')).toHaveLength(4)
  vi.restoreAllMocks()
  expect(written('error')).toEqual([['error', 'said', { runId: 'r' }]])
})
