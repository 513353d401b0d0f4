/** The workers that live, and a protocol of those that did. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { CrashTarget, LivingWorker } from './crash-target.ts'
import type { Misfortune } from './recoveries.ts'

interface Life extends LivingWorker {
  readonly process: ChildProcess
}

/** How many live at the same time. */
const workers = 2

export class Crew {
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

async function kill({ process: child }: Life): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await exit
}
