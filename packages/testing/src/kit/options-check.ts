/** Whether the options of a kit can work: what the compiler refuses is refused at run time, too, instead of being ignored. */
import { Configuration } from '@workflow/core'
import { durationMs } from '@workflow/core/adapter'
import { VirtualClock } from '../virtual-clock.ts'
import { type Decided, decided, optionNames, type TestKitOptions } from './kit-options.ts'

/** Throws `Configuration` that names the workflow, the option, and what would do. Whether `beside` is a kit is not known here. */
export function assertOptions(workflow: string, options: unknown): asserts options is TestKitOptions {
  const refuse = (what: string): never => {
    throw new Configuration(`the test kit of workflow '${workflow}': ${what}`)
  }
  if (typeof options !== 'object' || options === null) return refuse(`options are an object like { seed: 2 }; got ${String(options)}`)
  const strange = Object.keys(options).find((name) => !optionNames.includes(name))
  if (strange !== undefined) return refuse(`there is no option '${strange}': there are ${optionNames.join(', ')}`)
  // The cast holds because nothing is taken for granted of any of them.
  const { start, clock, seed, patience, attemptsMax, transaction, infrastructure, coverage } = options as { [name: string]: unknown }
  if (start !== undefined && !(start instanceof Date && !Number.isNaN(start.getTime())))
    return refuse("start is no date: give it a Date, like new Date('2026-01-01')")
  if (clock !== undefined && !(clock instanceof VirtualClock))
    return refuse('clock must be a VirtualClock of @workflow/testing: a clock that moves by itself is none')
  if (clock !== undefined && start !== undefined)
    return refuse('the clock has its own time: leave start out, or make it new VirtualClock(start)')
  if (seed !== undefined && !Number.isSafeInteger(seed)) return refuse(`seed must be a whole number; got ${String(seed)}`)
  // The cast holds because durationMs itself refuses what is no duration.
  if (patience !== undefined) durationMs(patience as never, `the test kit of workflow '${workflow}': patience`)
  if (attemptsMax !== undefined && !(typeof attemptsMax === 'number' && attemptsMax >= 1))
    return refuse(`attemptsMax must be 1 or more; got ${String(attemptsMax)}`)
  if (transaction !== undefined && typeof transaction !== 'function')
    return refuse('transaction must be a function that makes what transactional steps are handed')
  if (coverage !== undefined && coverage !== false && typeof coverage !== 'string')
    return refuse(`coverage must be a folder, or false; got ${String(coverage)}`)
  if (infrastructure === undefined) return
  if (typeof infrastructure !== 'object' || infrastructure === null) return refuse('infrastructure must be an object')
  const own = Object.keys(infrastructure).find((name): name is Decided => Object.hasOwn(decided, name))
  if (own !== undefined) return refuse(`infrastructure may not have '${own}': ${decided[own]}`)
}
