import { systemClock } from '@workflow/core/adapter'
import type { HarnessTime } from './harness.ts'

/** Time for harnesses of adapters that live by the system's clock. */
export function realTime(options: Pick<HarnessTime, 'patienceMs' | 'quietMs'> = {}): HarnessTime {
  const pass = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      systemClock.setTimer(ms, resolve)
    })
  return { clock: systemClock, pass, ...options }
}
