/** By itself, so that nothing has loaded yet what lines with errors need. */
import { expect, test } from 'vitest'
import { discreet, loadDiscretion } from './safe-logger.ts'

test('a line with an error waits for what shows it, once; others do not', async () => {
  const lines: unknown[] = []
  const write = (fields: object, message: string): void => void lines.push([message, fields])
  const logger = discreet({ debug: write, info: write, warn: write, error: write })
  const error = Object.assign(new Error('status 401'), { config: { authorization: 'hunter2' } })
  logger.warn({ runId: 'r', error }, 'first')
  logger.info({ runId: 'r' }, 'second')
  expect(lines).toEqual([['second', { runId: 'r' }]])
  await loadDiscretion()
  await expect.poll(() => lines.length).toBe(2)
  logger.error({ error: undefined }, 'third')
  expect(lines.map((line) => (line as readonly unknown[])[0])).toEqual(['second', 'first', 'third'])
  expect(JSON.stringify(lines.map((line) => Object.entries((line as readonly [string, { error?: object }])[1].error ?? {})))).not.toContain(
    'hunter2',
  )
})
