/** One seed from its beginning to what is told about it. */
import { describeFault, type FaultKind } from './fault.ts'
import { Simulation, type SeedResult } from './simulation.ts'
import type { Subject } from './subject.ts'

/** What, together with the subject, says exactly what happens. */
export interface SeedOptions {
  readonly seed: number
  readonly runs: number
  readonly faults: number
  readonly without: readonly number[]
  readonly kinds: readonly FaultKind[]
  /** Absent: the seed chooses two or three. */
  readonly instances?: number
}

export async function runSeed(subject: Subject, options: SeedOptions, onTrace?: (line: string) => void): Promise<SeedResult> {
  const limit = Error.stackTraceLimit
  // Errors that are thrown on purpose are looked at by nobody, and their stacks cost more than they do.
  if (onTrace === undefined) Error.stackTraceLimit = 0
  const unhandled: unknown[] = []
  const hear = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', hear)
  try {
    subject.begin?.()
    const { without, ...rest } = options
    const simulation = new Simulation({ ...rest, subject, without: new Set(without), ...(onTrace === undefined ? undefined : { onTrace }) })
    const result = await simulation.run()
    // Node tells of rejections that nobody handles once real time goes on.
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    const [first] = unhandled
    if (first === undefined || result.violation !== undefined) return result
    const message = `a promise was rejected and nobody looked: ${first instanceof Error ? (first.stack ?? first.message) : String(first)}`
    return { ...result, violation: { invariant: 'nothing unexpected', message } }
  } finally {
    process.off('unhandledRejection', hear)
    Error.stackTraceLimit = limit
  }
}

/** How often a failing case is tried again at most while it is made smaller. */
const triesMax = 60

/** The same failure with fewer runs and fewer faults, as far as that goes. */
export async function shrunk(subject: Subject, options: SeedOptions, result: SeedResult): Promise<SeedOptions> {
  let best = options
  let tries = 0
  const fails = async (candidate: SeedOptions): Promise<boolean> => {
    if (++tries > triesMax) return false
    const { violation } = await runSeed(subject, candidate)
    if (violation?.invariant !== result.violation?.invariant) return false
    best = candidate
    return true
  }
  const struck = new Set(result.struck.map(({ id }) => id))
  await fails({ ...best, without: result.faults.map(({ id }) => id).filter((id) => !struck.has(id)) })
  for (let runs = Math.floor(best.runs / 2); runs >= 1 && (await fails({ ...best, runs })); runs = Math.floor(runs / 2));
  for (let part = Math.ceil(struck.size / 2); part >= 1; part = part === 1 ? 0 : Math.ceil(part / 2)) await leaveOut(part)
  return best

  /** Tries to do without so many faults at a time. */
  async function leaveOut(part: number): Promise<void> {
    const left = result.faults.map(({ id }) => id).filter((id) => !best.without.includes(id))
    for (let from = 0; from < left.length; from += part) {
      const out = left.slice(from, from + part)
      if (!out.every((id) => best.without.includes(id)))
        await fails({ ...best, without: [...new Set([...best.without, ...out])].sort((a, b) => a - b) })
    }
  }
}

const linesMax = 60

/** The part of a trace that says most: what went wrong, what concerns the runs that are spoken of, and the end. */
export async function shortTrace(
  subject: Subject,
  options: SeedOptions,
): Promise<{ readonly lines: readonly string[]; readonly result: SeedResult }> {
  const all: string[] = []
  const result = await runSeed(subject, options, (line) => all.push(line))
  const named = [...(result.violation?.message.matchAll(/run (\d+) /g) ?? [])].map((match) => `run ${match[1]} `)
  const matters = (line: string): boolean =>
    named.some((name) => line.includes(name)) ||
    / fault |meets? fault| dies| stalls| starts$|has role|lost role|BROKEN|goes wrong/.test(line)
  const lines = all.filter((line, index) => matters(line) || index > all.length - 8)
  const faults = result.struck.map((fault) => `             fault ${describeFault(fault)}`)
  return { lines: lines.length <= linesMax ? lines : [...faults, '             …', ...lines.slice(-linesMax)], result }
}
