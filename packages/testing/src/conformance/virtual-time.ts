import { VirtualClock } from '../virtual-clock.ts'
import type { HarnessTime } from './harness.ts'

/** Time for harnesses of adapters that take a clock: hours pass in milliseconds. */
export interface VirtualTime extends HarnessTime {
  readonly clock: VirtualClock
  readonly jump: NonNullable<HarnessTime['jump']>
}

/** A virtual clock of its own, as a harness wants it. Give `clock` to the adapter, and `clock.pending` as what is alive. */
export function virtualTime(options: Pick<HarnessTime, 'patienceMs' | 'quietMs'> = {}): VirtualTime {
  const clock = new VirtualClock()
  return { clock, pass: (ms) => clock.advance(ms), jump: (which, ms) => clock.jump(which, ms), ...options }
}
