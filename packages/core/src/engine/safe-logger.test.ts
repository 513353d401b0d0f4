import { expect, test } from 'vitest'
import { turn } from '../../test/manual-clock.ts'
import type { Logger } from '../ports/logger.ts'
import { safeLogger } from './safe-logger.ts'

test('a logger that throws, or rejects, takes no work and no process with it', async () => {
  const heard: unknown[] = []
  const hear = (error: unknown): void => void heard.push(error)
  process.on('unhandledRejection', hear)
  try {
    let written = 0
    const broken = (): never => {
      written += 1
      throw new Error('the disk is full')
    }
    // The cast holds because the point is what the linter refuses.
    const rejecting = (async (): Promise<never> => broken()) as unknown as Logger['info']
    const logger = safeLogger({ debug: broken, info: rejecting, warn: broken, error: rejecting })
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]({}, 'a line')
    await turn()
    expect([written, heard]).toEqual([4, []])
  } finally {
    process.off('unhandledRejection', hear)
  }
})
