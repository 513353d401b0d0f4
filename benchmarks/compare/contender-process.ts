/** The process of a contender, seen from the one that measures. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Facts } from './contender.ts'
import type { Answers, Order, Said } from './orders.ts'

/** A contender that has to be told twice to end is killed. */
const endMs = 15_000
/**
 * How Node runs everybody. With its own young generation of 16 MB, what runs in flight hold outlives a scavenge, and all
 * pay for that: Workflow's documentation advises a larger one, and what it advises for itself the others get, too.
 */
export const nodeOptions: readonly string[] = ['--max-semi-space-size=64']

export class ContenderProcess implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #exit: Promise<void>
  readonly #said: Said[] = []
  #hear: ((said: Said) => void) | undefined

  /** Starts it with a module and the address of its server. What it prints goes to standard error. */
  constructor(modulePath: string, url: string) {
    this.#process = fork(fileURLToPath(new URL('process.ts', import.meta.url)), [modulePath, url], {
      execArgv: ['--expose-gc', ...nodeOptions],
      stdio: ['ignore', 2, 2, 'ipc'],
      serialization: 'advanced',
    })
    this.#exit = new Promise((resolve) => {
      this.#process.once('exit', () => resolve())
      this.#process.once('error', () => resolve())
    })
    this.#process.on('message', (said: Said) => {
      const hear = this.#hear
      this.#hear = undefined
      if (hear === undefined) this.#said.push(said)
      else hear(said)
    })
  }

  /** Resolves when it works. */
  async ready(): Promise<Facts> {
    const said = await this.#next()
    if ('ready' in said) return said.ready
    throw new Error('failed' in said ? said.failed : 'it answered before it was asked')
  }

  /** Does one thing after the other; rejects with what has failed, or when the process ends. */
  async do<D extends Order['do']>(order: Order & { readonly do: D }): Promise<Answers[D]> {
    this.#process.send(order)
    const said = await this.#next()
    // Both ends are files of this folder, and there is one answer to each order.
    if ('answer' in said) return said.answer as Answers[D]
    throw new Error('failed' in said ? said.failed : 'it said something else')
  }

  /** Ends it, in good order if it can. */
  async [Symbol.asyncDispose](): Promise<void> {
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), endMs)
    try {
      if (this.#process.connected) await this.do({ do: 'end' }).catch(() => undefined)
      this.kill()
      await this.#exit
    } finally {
      clearTimeout(timer)
    }
  }

  /** At once. */
  kill(): void {
    this.#process.kill('SIGKILL')
  }

  async #next(): Promise<Said> {
    const said = this.#said.shift()
    if (said !== undefined) return said
    const ended = this.#exit.then(() => {
      throw new Error(`its process ended with code ${String(this.#process.exitCode ?? this.#process.signalCode)}`)
    })
    const heard = new Promise<Said>((resolve) => {
      this.#hear = resolve
    })
    return Promise.race([heard, ended])
  }
}
