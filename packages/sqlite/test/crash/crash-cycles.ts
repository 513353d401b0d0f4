/** Starts workers on one file, kills them at random moments, again and again, and audits what is left. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Duration } from '@workflow/core'
import { audit } from './audit.ts'
import { readLedger } from './ledger.ts'
import { Parent } from './parent.ts'
import { seededRandom } from './seeded-random.ts'

export interface CrashOptions {
  /** An existing folder for the database and the ledger. */
  readonly folder: string
  readonly cycles: number
  readonly seed: number
  readonly lease: Duration
  /** Up to how long the workers live. */
  readonly lifeMsMax: number
  readonly runsPerCycle: number
  /** Called after each cycle. */
  readonly progress?: (text: string) => void
}

export interface CrashResult {
  readonly faults: readonly string[]
  readonly runs: number
  readonly kills: number
  readonly handlerCalls: number
  /** Calls beyond the first under one key: handlers that ran again. */
  readonly repeatedCalls: number
  readonly callbacks: number
  /** Runs that the engine has paused by itself, and why. */
  readonly enginePauses: readonly string[]
  /** From the start of a process, when none was alive, to its first call of a handler. */
  readonly recoveriesMs: readonly number[]
}

interface Life {
  readonly process: ChildProcess
  readonly pid: number
  readonly startedAt: number
  /** Nobody else was alive when it started. */
  readonly alone: boolean
}

const workers = 2
/** Work that makes no progress for so long makes none any more. */
const stalledMs = 30_000
const lookEveryMs = 100

export async function crashCycles(options: CrashOptions): Promise<CrashResult> {
  const { folder, cycles, lease, lifeMsMax, runsPerCycle, progress } = options
  const random = seededRandom(options.seed)
  const file = `${folder}/crash.db`
  const ledgerFile = `${folder}/ledger.ndjson`
  const lives: Life[] = []
  let alive: Life[] = []
  let kills = 0
  const parent = new Parent(file, lease, random)
  const fillUp = (): void => {
    const alone = alive.length === 0
    while (alive.length < workers) {
      const life = start([file, ledgerFile, lease, String(Math.floor(random() * 2 ** 31))], alone)
      lives.push(life)
      alive.push(life)
    }
  }
  try {
    for (let cycle = 1; cycle <= cycles; cycle++) {
      await parent.trigger(runsPerCycle)
      fillUp()
      await sleep(random() * lifeMsMax)
      const all = random() < 0.5
      const doomed = all ? alive : alive.slice(0, 1)
      alive = alive.filter((life) => !doomed.includes(life))
      await Promise.all(doomed.map(kill))
      kills += doomed.length
      progress?.(`cycle ${cycle} of ${cycles}: ${kills} kills, ${parent.triggered.size} runs, ${await parent.unfinished()} unfinished`)
    }
    fillUp()
    await drained(parent)
    // What is still at work after a stall must not move on while it is audited.
    await Promise.all(alive.map(kill))
    alive = []
    const ledger = readLedger(ledgerFile)
    const faults = await audit(file, parent.client, { triggered: parent.triggered, accepted: parent.accepted, ledger })
    return {
      faults,
      runs: parent.triggered.size,
      kills,
      handlerCalls: ledger.length,
      repeatedCalls: ledger.length - new Set(ledger.map(({ key, kind }) => `${kind} ${key}`)).size,
      callbacks: parent.accepted.size,
      enginePauses: parent.enginePauses,
      recoveriesMs: recoveries(lives, ledger),
    }
  } finally {
    await Promise.all(alive.map(kill))
    await parent.end()
  }
}

/** Until every run is finished, or nothing happens any more. */
async function drained(parent: Parent): Promise<void> {
  let least = Infinity
  let since = performance.now()
  while (least > 0 && performance.now() - since < stalledMs) {
    const unfinished = await parent.unfinished()
    if (unfinished < least) [least, since] = [unfinished, performance.now()]
    else await sleep(lookEveryMs)
  }
}

/** One for each time that all were dead: until the first handler call of any of those that were started then. */
function recoveries(lives: readonly Life[], ledger: readonly { readonly pid: number; readonly at: number }[]): readonly number[] {
  const firstCalls = new Map<number, number>()
  for (const { pid, at } of ledger) if (!firstCalls.has(pid)) firstCalls.set(pid, at)
  const found: number[] = []
  for (let i = workers; i < lives.length; i++) {
    const [one, other] = [lives[i], lives[i + 1]]
    if (one?.alone !== true || other?.alone !== true) continue
    const first = Math.min(firstCalls.get(one.pid) ?? Infinity, firstCalls.get(other.pid) ?? Infinity)
    if (first !== Infinity) found.push(first - one.startedAt)
    i += 1
  }
  return found
}

function start(args: readonly string[], alone: boolean): Life {
  const script = fileURLToPath(new URL('worker-process.ts', import.meta.url))
  const startedAt = Date.now()
  const process_ = spawn(process.execPath, ['--conditions=@workflow/source', script, ...args], { stdio: ['pipe', 'ignore', 'inherit'] })
  return { process: process_, pid: process_.pid ?? 0, startedAt, alone }
}

async function kill({ process: child }: Life): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await exit
}
