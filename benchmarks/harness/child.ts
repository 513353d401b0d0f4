/** Another process of a benchmark, spoken to in lines of JSON. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** One that is disposed of before it has ended is killed: else it would keep the benchmark from ending. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #said: unknown[] = []
  readonly #waiting: ((message: unknown) => void)[] = []
  readonly #exit: Promise<void>

  /** Starts `processes/<name>.ts` with these arguments, and with the conditions that this process resolves packages by. */
  constructor(name: string, args: readonly string[]) {
    const file = fileURLToPath(new URL(`../processes/${name}.ts`, import.meta.url))
    this.#process = spawn(process.execPath, [...new Set(['--expose-gc', ...process.execArgv]), file, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#exit = new Promise((resolve) => {
      this.#process.on('exit', () => resolve())
    })
    if (this.#process.stdout === null) throw new Error('the child has no output')
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      const message: unknown = JSON.parse(line)
      const next = this.#waiting.shift()
      if (next === undefined) this.#said.push(message)
      else next(message)
    })
  }

  /** The next thing it says. Rejects if it ends without a word. */
  async next<T>(): Promise<T> {
    const message =
      this.#said.length > 0
        ? this.#said.shift()
        : await Promise.race([
            new Promise<unknown>((resolve) => {
              this.#waiting.push(resolve)
            }),
            this.#exit.then(() => {
              throw new Error(`the child process ended early with code ${String(this.#process.exitCode)}`)
            }),
          ])
    // Both ends are files of this folder.
    return message as T
  }

  /** Says something to it. */
  say(line: string): void {
    this.#process.stdin?.write(`${line}\n`)
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#exit
  }

  /** Closes its input and waits for it to end by itself. */
  async end(): Promise<void> {
    this.#process.stdin?.end()
    await this.#exit
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.kill()
  }
}
