/** The whole program as a child process, on a database of its own for each test. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { urlVariables } from '../src/broker-server.ts'

export interface Start {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
  output(): string
  /** Resolves once the output has it; rejects if the process ends without. */
  says(what: RegExp): Promise<void>
}

export interface TestProgram {
  /** Where the database is, as orders.db. */
  readonly folder: string
  /** Stdin: a text, or `open` for a pipe that stays silent. */
  readonly start: (args: readonly string[], stdin?: string | { readonly stays: 'open' }) => Start
}

/** For one file of tests. Ends what is left when a test ends. */
export function testProgram(): TestProgram {
  let folder = ''
  let started: Start[] = []
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-'))
    started = []
  })
  afterEach(async () => {
    for (const { child } of started) child.kill('SIGKILL')
    await Promise.all(started.map(({ ended }) => ended))
    await rm(folder, { recursive: true })
  })
  return {
    get folder() {
      return folder
    },
    start: (args, stdin = '') => {
      const begun = startIn(folder, args, stdin)
      started.push(begun)
      return begun
    },
  }
}

function startIn(folder: string, args: readonly string[], stdin: string | { readonly stays: 'open' }): Start {
  const main = join(import.meta.dirname, '..', 'src', 'main.ts')
  const flags = ['--conditions=@workflow/source', '--disable-warning=ExperimentalWarning']
  // Servers of its own are what is tested here.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !Object.values<string>(urlVariables).includes(name)))
  const child = spawn(process.execPath, [...flags, main, '--db', join(folder, 'orders.db'), ...args], { env })
  let output = ''
  const listeners = new Set<() => void>()
  const hear = (chunk: Buffer): void => {
    output += chunk.toString()
    for (const listener of listeners) listener()
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  // A child that does not read its stdin closes it early.
  child.stdin.on('error', () => undefined)
  if (typeof stdin === 'string') child.stdin.end(stdin)
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal })),
  )
  const says = (what: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!what.test(output)) return
        listeners.delete(look)
        resolve()
      }
      listeners.add(look)
      void ended.then(() => reject(new Error(`the process ended without saying ${String(what)}:\n${output}`)))
      look()
    })
  return { child, ended, says, output: () => output }
}
