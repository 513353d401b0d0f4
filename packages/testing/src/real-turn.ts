/**
 * The machine's own turns and time, taken when this module is loaded: a test that puts fake timers in their place later
 * must not stop the kit.
 */
import { clearImmediate as clearImmediateNow, setImmediate as setImmediateNow, setTimeout as setTimeoutNow } from 'node:timers'

export const realSetImmediate: typeof setImmediateNow = setImmediateNow
export const realClearImmediate: typeof clearImmediateNow = clearImmediateNow
const realSetTimeout = setTimeoutNow

/** Resolves once everything that is ready has had its turn. */
export function realTurn(): Promise<void> {
  return new Promise((resolve) => {
    realSetImmediate(resolve)
  })
}

/** Resolves after some real milliseconds. */
export function realSleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    realSetTimeout(resolve, ms)
  })
}

const now = performance.now.bind(performance)
const cpuUsage = process.cpuUsage.bind(process)

/** Milliseconds of processor time that this process has had. */
export function processorMs(): number {
  const { user, system } = cpuUsage()
  return (user + system) / 1_000
}

/** Real milliseconds of a clock that never goes back. */
export function realMs(): number {
  return now()
}
