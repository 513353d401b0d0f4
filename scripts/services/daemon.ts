/** A server that is one program in the foreground: started apart from this process, with its output in a file of its folder. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Place, isStopped, lingeringPid } from './server-folder.ts'

/** One program and how it is called. One of `args` must name the folder, or a path in it. */
export interface DaemonPlace extends Place {
  readonly program: string
  readonly args: readonly string[]
  /** How long it may take to start. @default 30 s. The variable WORKFLOW_TEST_START_SECONDS holds for all. */
  readonly startMs?: number
  /** Added to the environment, of which it gets PATH, HOME and LC_ALL only. */
  readonly env?: Readonly<Record<string, string>>
}

export interface Daemon {
  /** Resolves once `isReady` has resolved to true. Throws with the end of the program's output when it has ended, or after `startMs`. */
  readonly start: () => Promise<void>
  /** Asks it to end, and kills it after `withinMs`, 10 s by default; answers whether it has ended by itself. */
  readonly stop: (withinMs?: number) => Promise<boolean>
  /** `kill -9`: resolves when it is gone. */
  readonly kill: () => Promise<void>
  /** SIGSTOP: resolves when it answers nobody any more; its connections stay open. */
  readonly pause: () => Promise<void>
  /** SIGCONT. */
  readonly resume: () => void
  readonly isRunning: () => boolean
  /** Kills it and deletes its folder. */
  readonly remove: () => void
}

const startMsDefault = 30_000
const stopMs = 10_000
const lookMs = 20

/** One that ends says so at once: this is for those that hang, and a machine may be busy with others. */
function startMsOf({ startMs = startMsDefault }: DaemonPlace): number {
  const { WORKFLOW_TEST_START_SECONDS: seconds } = process.env
  if (seconds === undefined) return startMs
  if (!(Number(seconds) > 0)) throw new Error(`WORKFLOW_TEST_START_SECONDS must be a number of seconds; it is '${seconds}'`)
  return Number(seconds) * 1_000
}

/** The daemon of a place, running or not. `isReady` is asked again and again while it starts; what it throws means no. */
export function daemonAt(place: DaemonPlace, isReady: () => Promise<boolean>): Daemon {
  const pidFile = join(place.folder, 'pid')
  const pid = (): number | undefined => lingeringPid(pidFile, place.folder)
  const signal = (name: NodeJS.Signals): void => {
    const running = pid()
    if (running === undefined) return
    try {
      process.kill(running, name)
    } catch (error) {
      // It has ended between the look and the signal.
      if ((error as { code?: unknown }).code !== 'ESRCH') throw error
    }
  }
  const ended = async (withinMs: number): Promise<boolean> => {
    for (const until = performance.now() + withinMs; pid() !== undefined; await sleep(lookMs)) if (performance.now() > until) return false
    return true
  }
  const kill = async (): Promise<void> => {
    signal('SIGKILL')
    if (!(await ended(stopMs))) throw new Error(`${place.program} survives being killed`)
  }
  return {
    start: async () => {
      if (pid() !== undefined) throw new Error(`${place.program} runs already, in ${place.folder}`)
      const startMs = startMsOf(place)
      await launch(place, pidFile)
      for (const until = performance.now() + startMs; ; await sleep(lookMs)) {
        // In this order: somebody else's server may answer at the port that ours has not got.
        const ready = await isReady().catch(() => false)
        if (pid() === undefined) throw new Error(`${place.program} has ended: ${outputOf(place)}`)
        if (ready) return
        if (performance.now() < until) continue
        await kill()
        throw new Error(
          `${place.program} is not ready after ${startMs} ms (a slow machine may need more: WORKFLOW_TEST_START_SECONDS): ${outputOf(place)}`,
        )
      }
    },
    stop: async (withinMs = stopMs) => {
      signal('SIGTERM')
      // A paused process hears of it when it goes on.
      signal('SIGCONT')
      const byItself = await ended(withinMs)
      if (!byItself) await kill()
      return byItself
    },
    kill,
    pause: async () => {
      signal('SIGSTOP')
      for (let running = pid(); running !== undefined && !isStopped(running); running = pid()) await sleep(1)
    },
    resume: () => signal('SIGCONT'),
    isRunning: () => pid() !== undefined,
    remove: () => {
      signal('SIGKILL')
      // It may still be writing while it dies.
      rmSync(place.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
    },
  }
}

/** Throws what the system says when it cannot be started. */
async function launch({ folder, program, args, env = {} }: DaemonPlace, pidFile: string): Promise<void> {
  const log = openSync(join(folder, 'log'), 'a')
  try {
    const { PATH = '', HOME = folder } = process.env
    const child = spawn(program, args, {
      cwd: folder,
      detached: true,
      stdio: ['ignore', log, log],
      env: { PATH, HOME, LC_ALL: 'C', ...env },
    })
    await once(child, 'spawn')
    child.unref()
    writeFileSync(pidFile, String(child.pid))
  } finally {
    closeSync(log)
  }
}

function outputOf({ folder }: DaemonPlace): string {
  return readFileSync(join(folder, 'log'), 'utf8').slice(-2_000)
}
