import type { Duration } from '@workflow/core'
import type { CrashTarget } from '../../../testing/test/crash/crash-target.ts'
import { sqlite } from '../../src/index.ts'
import { openHandle } from '../database-file.ts'

/** A file that workers share. */
export function sqliteTarget(file: string, lease: Duration): CrashTarget {
  return {
    open: () => sqlite({ file, lease, busyTimeout: '20s' }),
    program: new URL('worker-process.ts', import.meta.url),
    argumentsOf: () => [file, lease],
    faults: async () => {
      const handle = openHandle(file, true)
      try {
        const sound: unknown = handle.pragma('integrity_check', { simple: true })
        return sound === 'ok' ? [] : [`the file is broken: ${String(sound)}`]
      } finally {
        handle.close()
      }
    },
  }
}
