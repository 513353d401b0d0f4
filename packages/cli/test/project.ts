/** A folder as a user has it: a config, modules beside it, our packages installed; and the program run in it. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const packages = fileURLToPath(new URL('../../', import.meta.url))
const conditions = '--conditions=@workflow/source'
const program = fileURLToPath(new URL('../bin/workflow.js', import.meta.url))
/** A program that has not ended by then never will. */
const runMsMax = 110_000

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Project extends Disposable {
  readonly path: (name: string) => string
  readonly write: (name: string, text: string) => void
  /** Runs the program `workflow …` in the folder. */
  readonly run: (...args: readonly string[]) => Promise<Ended>
}

/** A new folder with these files. It is gone when it is disposed. */
export function project(files: { readonly [name: string]: string } = {}): Project {
  const folder = mkdtempSync(join(tmpdir(), 'workflow-cli-'))
  const path = (name: string): string => join(folder, name)
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(path(name)), { recursive: true })
    writeFileSync(path(name), text)
  }
  mkdirSync(path('node_modules/@workflow'), { recursive: true })
  for (const name of ['cli', 'core', 'sqlite']) symlinkSync(join(packages, name), path(`node_modules/@workflow/${name}`), 'dir')
  write('package.json', JSON.stringify({ type: 'module' }))
  for (const [name, text] of Object.entries(files)) write(name, text)
  return {
    path,
    write,
    run: (...args) => ended(folder, args),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function ended(cwd: string, args: readonly string[]): Promise<Ended> {
  const env = { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' }
  const child = spawn(process.execPath, [conditions, program, ...args], { cwd, env, timeout: runMsMax })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise<number | null>((done, fail) => child.on('close', done).on('error', fail))
  return { code, stdout, stderr }
}

/** Carries out command lines in one other process: faster than the program itself, where it is not about that. */
export class CommandLine implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (ended: Ended) => void>()
  readonly #exit: Promise<unknown>
  #calls = 0

  constructor() {
    const env = { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' }
    this.#child = fork(fileURLToPath(new URL('main-process.ts', import.meta.url)), { execArgv: [conditions], env })
    this.#exit = new Promise((resolve) => this.#child.on('exit', resolve))
    this.#child.on('message', ({ id, ...outcome }: Ended & { readonly id: number }) => this.#waiting.get(id)?.(outcome))
  }

  /** Like `project.run` in a folder. `msMax`: how long its config may take. */
  async run(cwd: string, args: readonly string[], msMax?: number): Promise<Ended> {
    const id = this.#calls++
    const answer = new Promise<Ended>((resolve) => this.#waiting.set(id, resolve))
    this.#child.send({ id, args, cwd, msMax })
    const first = await Promise.race([answer, this.#exit])
    if (typeof first === 'object' && first !== null) return await answer
    throw new Error(`the process ended with ${String(first)} before it had an answer to ${args.join(' ')}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.disconnect()
    await this.#exit
  }
}
