/** Starts workers on one database, kills them at random moments, again and again, and audits what is left. */
import { setTimeout as sleep } from 'node:timers/promises'
import { audit } from './audit.ts'
import type { CrashTarget } from './crash-target.ts'
import { Crew } from './crew.ts'
import { readLedger } from './ledger.ts'
import { Parent } from './parent.ts'
import { restarts, resumptions, takeovers } from './recoveries.ts'
import { seededRandom } from './seeded-random.ts'

export interface CrashOptions {
  readonly target: CrashTarget
  /** An existing folder for the ledger. */
  readonly folder: string
  readonly cycles: number
  readonly seed: number
  /** Up to how long the workers live. */
  readonly lifeMsMax: number
  /** Half of them are started with a cycle, half of them right before the misfortune that ends it. */
  readonly runsPerCycle: number
  /** Called after each cycle. */
  readonly progress?: (text: string) => void
}

export interface CrashResult {
  readonly faults: readonly string[]
  readonly runs: number
  readonly kills: number
  /** How often the target struck by itself, by what it was, and after how long handlers were called again, in ms. */
  readonly strikes: ReadonlyMap<string, readonly number[]>
  readonly handlerCalls: number
  /** Calls beyond the first under one key: handlers that ran again. */
  readonly repeatedCalls: number
  readonly callbacks: number
  /** Runs that the engine has paused by itself, and why. */
  readonly enginePauses: readonly string[]
  /** From the start of a process, when none was alive, to its first call of a handler. */
  readonly restartsMs: readonly number[]
  /** From the kill of a process, when another was alive, until all slots that it had worked in were worked in by others. */
  readonly takeoversMs: readonly number[]
}

/** Work that makes no progress for so long makes none any more. */
const stalledMs = 30_000
const lookEveryMs = 100
const burstMsMax = 300

export async function crashCycles(options: CrashOptions): Promise<CrashResult> {
  const { folder, target } = options
  const ledgerFile = `${folder}/ledger.ndjson`
  // Each has a chance of its own: what happens when does not depend on how fast the others are.
  const chance = (n: number): (() => number) => seededRandom(options.seed * 3 + n)
  const parent = new Parent(target, chance(0))
  const crew = new Crew(target, ledgerFile, chance(1))
  try {
    await hit(options, parent, crew, chance(2))
    crew.fillUp()
    await drained(parent)
    // What is still at work after a stall must not move on while it is audited.
    await crew.killAll()
    const ledger = readLedger(ledgerFile)
    const faults = [
      ...crew.faults,
      ...(await audit(parent.client, { triggered: parent.triggered, accepted: parent.accepted, ledger })),
      ...(await target.faults()),
    ]
    return {
      faults,
      runs: parent.triggered.size,
      kills: crew.kills,
      strikes: resumptions(crew.misfortunes, ledger),
      handlerCalls: ledger.length,
      repeatedCalls: ledger.length - new Set(ledger.map(({ key, kind }) => `${kind} ${key}`)).size,
      callbacks: parent.accepted.size,
      enginePauses: parent.enginePauses,
      restartsMs: restarts(crew.starts, ledger),
      takeoversMs: takeovers(crew.misfortunes, ledger),
    }
  } finally {
    await crew.killAll()
    await parent.end()
  }
}

/** Half of what happens are deaths, of one worker or of all; where the target has no other misfortunes, everything. */
async function hit(options: CrashOptions, parent: Parent, crew: Crew, random: () => number): Promise<void> {
  const { cycles, lifeMsMax, runsPerCycle, progress, target } = options
  for (let cycle = 1; cycle <= cycles; cycle++) {
    await parent.trigger(Math.floor(runsPerCycle / 2))
    crew.fillUp()
    await sleep(random() * lifeMsMax)
    // Whatever happens now happens to runs on their way, some of which are being written.
    const burst = parent.trigger(Math.ceil(runsPerCycle / 2))
    const [what] = await Promise.all([sleep(random() * burstMsMax).then(() => misfortune(target, crew, random)), burst])
    progress?.(
      `cycle ${cycle} of ${cycles}: ${what ?? 'killed'}; ${crew.kills} kills, ${parent.triggered.size} runs, ${await parent.unfinished()} unfinished`,
    )
  }
}

/** Resolves to what the target has struck with, or to undefined after deaths. */
async function misfortune(target: CrashTarget, crew: Crew, random: () => number): Promise<string | undefined> {
  if (target.strike === undefined || random() < 0.5) {
    await (random() < 0.5 ? crew.killAll() : crew.killOne())
    return undefined
  }
  crew.misfortunes.push({ at: Date.now() })
  const what = await target.strike(crew.alive, seededRandom(Math.floor(random() * 2 ** 31)))
  crew.misfortunes.push({ at: Date.now(), ended: what })
  return what
}

/** Until every run is finished, or nothing happens any more. */
export async function drained(parent: Parent): Promise<void> {
  let least = Infinity
  let since = performance.now()
  while (least > 0 && performance.now() - since < stalledMs) {
    const unfinished = await parent.unfinished()
    if (unfinished < least) [least, since] = [unfinished, performance.now()]
    else await sleep(lookEveryMs)
  }
}
