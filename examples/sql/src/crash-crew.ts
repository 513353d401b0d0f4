/** The workers that live. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('crash-worker.ts', import.meta.url))
const size = 2

export class CrashCrew implements AsyncDisposable {
  kills = 0
  /** Workers that ended without being killed. */
  readonly faults: string[] = []
  readonly #args: readonly string[]
  readonly #cache: string
  #alive: readonly ChildProcess[] = []

  /** `args` are the worker program's; `cache` is a folder for compiled code. */
  constructor(args: readonly string[], cache: string) {
    this.#args = args
    this.#cache = cache
  }

  /** Starts workers for those that are gone, and waits until all work. */
  async fillUp(): Promise<void> {
    const fresh = Array.from({ length: size - this.#alive.length }, () => this.#start())
    this.#alive = [...this.#alive, ...fresh.map(({ child }) => child)]
    await Promise.all(fresh.map(({ ready }) => ready))
  }

  /** Kills the one that has lived longest, or all. */
  async kill(which: 'oldest' | 'all'): Promise<void> {
    const doomed = which === 'all' ? this.#alive : this.#alive.slice(0, 1)
    this.#alive = this.#alive.filter((child) => !doomed.includes(child))
    this.kills += doomed.length
    await Promise.all(doomed.map(killed))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('all')
  }

  #start(): { readonly child: ChildProcess; readonly ready: Promise<unknown> } {
    const child = spawn(process.execPath, ['--conditions=@workflow/source', program, ...this.#args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // Every start but the first finds its code compiled.
      env: { ...process.env, NODE_COMPILE_CACHE: this.#cache },
    })
    child.stdin.on('error', () => undefined)
    const ended = once(child, 'exit').then(([code, signal]: (number | string | null)[]) => {
      if (!this.#alive.includes(child)) return
      this.#alive = this.#alive.filter((other) => other !== child)
      this.faults.push(`worker ${child.pid} was not killed and has ended with ${signal ?? code}`)
    })
    return { child, ready: Promise.race([once(child.stdout, 'data'), ended]) }
  }
}

async function killed(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await exit
}
