/** Starts workers on one database, kills them at random moments, again and again, and audits what is left. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { audit } from './audit.ts'
import type { CrashTarget, LivingWorker } from './crash-target.ts'
import { readLedger } from './ledger.ts'
import { Parent } from './parent.ts'
import { type Misfortune, restarts, takeovers } from './recoveries.ts'
import { seededRandom } from './seeded-random.ts'

export interface CrashOptions {
  readonly target: CrashTarget
  /** An existing folder for the ledger. */
  readonly folder: string
  readonly cycles: number
  readonly seed: number
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
  /** How often the target struck by itself, by what it was. */
  readonly strikes: ReadonlyMap<string, number>
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

interface Life extends LivingWorker {
  readonly process: ChildProcess
}

const workers = 2
/** Work that makes no progress for so long makes none any more. */
const stalledMs = 30_000
const lookEveryMs = 100

export async function crashCycles(options: CrashOptions): Promise<CrashResult> {
  const { folder, target } = options
  const random = seededRandom(options.seed)
  const ledgerFile = `${folder}/ledger.ndjson`
  const parent = new Parent(target, random)
  const crew = new Crew(target, ledgerFile, random)
  try {
    const strikes = await hit(options, parent, crew, random)
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
      strikes,
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
async function hit(options: CrashOptions, parent: Parent, crew: Crew, random: () => number): Promise<ReadonlyMap<string, number>> {
  const { cycles, lifeMsMax, runsPerCycle, progress, target } = options
  const strikes = new Map<string, number>()
  for (let cycle = 1; cycle <= cycles; cycle++) {
    await parent.trigger(runsPerCycle)
    crew.fillUp()
    await sleep(random() * lifeMsMax)
    let what = 'killed'
    if (target.strike !== undefined && random() < 0.5) {
      crew.misfortunes.push({ at: Date.now() })
      what = await target.strike(crew.alive, random)
      crew.misfortunes.push({ at: Date.now() })
      strikes.set(what, (strikes.get(what) ?? 0) + 1)
    } else await (random() < 0.5 ? crew.killAll() : crew.killOne())
    progress?.(
      `cycle ${cycle} of ${cycles}: ${what}; ${crew.kills} kills, ${parent.triggered.size} runs, ${await parent.unfinished()} unfinished`,
    )
  }
  return strikes
}

/** The workers that live, and a protocol of those that did. */
class Crew {
  /** When each group was started that found nobody alive, and who is in it. */
  readonly starts: { readonly at: number; readonly pids: readonly number[] }[] = []
  readonly misfortunes: Misfortune[] = []
  readonly faults: string[] = []
  alive: readonly Life[] = []
  kills = 0
  readonly #target: CrashTarget
  readonly #ledgerFile: string
  readonly #random: () => number

  constructor(target: CrashTarget, ledgerFile: string, random: () => number) {
    this.#target = target
    this.#ledgerFile = ledgerFile
    this.#random = random
  }

  fillUp(): void {
    const at = Date.now()
    const places = new Set(this.alive.map(({ place }) => place))
    const started = Array.from({ length: workers }, (_, place) => place)
      .filter((place) => !places.has(place))
      .map((place) => this.#start(place))
    if (this.alive.length === 0) this.starts.push({ at, pids: started.map(({ pid }) => pid) })
    this.alive = [...this.alive, ...started]
  }

  /** Kills the one that has lived longest. */
  async killOne(): Promise<void> {
    const [oldest, ...others] = this.alive
    if (oldest === undefined) return
    this.alive = others
    this.kills += 1
    await kill(oldest)
    this.misfortunes.push({ at: Date.now(), killed: oldest.pid })
  }

  async killAll(): Promise<void> {
    const doomed = this.alive
    this.alive = []
    this.kills += doomed.length
    await Promise.all(doomed.map(kill))
    this.misfortunes.push({ at: Date.now() })
  }

  #start(place: number): Life {
    const { program, argumentsOf } = this.#target
    const seed = String(Math.floor(this.#random() * 2 ** 31))
    const args = ['--conditions=@workflow/source', fileURLToPath(program), this.#ledgerFile, seed, ...argumentsOf(place)]
    const started = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'inherit'] })
    // One that has died has no ears.
    started.stdin.on('error', () => undefined)
    const life: Life = { process: started, pid: started.pid ?? 0, place, tell: (line) => void started.stdin.write(`${line}\n`) }
    started.once('exit', (code, signal) => {
      if (!this.alive.includes(life)) return
      this.alive = this.alive.filter((other) => other !== life)
      this.faults.push(`worker ${life.pid} was not killed and has ended with ${signal ?? code}`)
    })
    return life
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

async function kill({ process: child }: Life): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await exit
}
