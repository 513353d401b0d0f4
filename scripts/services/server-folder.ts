/**
 * Folders of servers that a process starts for itself: in the system's temporary folder, with a file that names their owner.
 * What a killed process leaves behind is cleared away by whoever starts the next server of that kind.
 */
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What is needed to find a running server again: data, to be kept in a file. */
export interface Place {
  /** Everything of the server's is in there, and its command line names it. */
  readonly folder: string
}

interface Owner<P> {
  readonly pid: number
  readonly place: P
}

/** In a server's folder: the process that it belongs to. */
const ownerFile = 'owner'

/** A new folder named `workflow-<kind>-…` that other users can enter. First removes what killed processes have left of the kind. */
export function makeServerFolder<P extends Place>(kind: string, remove: (place: P) => void): string {
  removeOrphans(`workflow-${kind}-`, remove)
  const folder = mkdtempSync(join(tmpdir(), `workflow-${kind}-`))
  chmodSync(folder, 0o755)
  return folder
}

/** Says that the server of a place must not outlive this process. */
export function own(place: Place): void {
  writeFileSync(join(place.folder, ownerFile), JSON.stringify({ pid: process.pid, place } satisfies Owner<Place>))
}

/**
 * The process of a server, as `pidFile` names it and its command line names `folder`. A power cut, or the end of a container, leaves
 * the file behind, and by then that may be the id of anybody's process.
 */
export function runningPid(pidFile: string, folder: string): number | undefined {
  const pid = pidIn(pidFile)
  return pid !== undefined && commandLineOf(pid).includes(folder) ? pid : undefined
}

/** The same until it has let go of its ports, which on Linux comes later than the end of its command line. */
export function lingeringPid(pidFile: string, folder: string): number | undefined {
  const pid = pidIn(pidFile)
  if (pid === undefined) return undefined
  const commandLine = commandLineOf(pid)
  return commandLine.includes(folder) || (commandLine === '' && isEnding(pid)) ? pid : undefined
}

function pidIn(file: string): number | undefined {
  const pid = Number.parseInt(textOf(file), 10)
  return Number.isInteger(pid) ? pid : undefined
}

function commandLineOf(pid: number): string {
  return existsSync('/proc/self/cmdline')
    ? textOf(`/proc/${pid}/cmdline`)
    : spawnSync('ps', ['-p', String(pid), '-o', 'args='], { encoding: 'utf8' }).stdout
}

/** Linux's PF_EXITING, among the flags of /proc/<pid>/stat. */
const exitingFlag = 0x4

/**
 * Whether a process is on its way out. It loses its memory first, and its command line with it, its files and sockets only then, and is
 * a zombie at last; but the first of its threads may be one while others still hold the sockets.
 */
function isEnding(pid: number): boolean {
  const [state, , , , , , flags] = stateOf(textOf(`/proc/${pid}/stat`))
  if ((Number(flags) & exitingFlag) === 0) return false
  return state !== 'Z' || threadsOf(pid).length > 1
}

/**
 * Whether a process stands still after SIGSTOP, or is gone. The signal is taken by one of its threads, and until that one gets a
 * processor the others work on: on a busy machine for long enough to answer what comes.
 */
export function isStopped(pid: number): boolean {
  if (!existsSync('/proc/self/stat'))
    return /^[TZ]?$/.test(spawnSync('ps', ['-p', String(pid), '-o', 'state='], { encoding: 'utf8' }).stdout.slice(0, 1))
  return threadsOf(pid).every((thread) => /^[TtZX]?$/.test(stateOf(textOf(`/proc/${pid}/task/${thread}/stat`))[0] ?? ''))
}

/** What follows a name, which may contain anything, in a file of statistics: the state first, the flags as the seventh; proc_pid_stat(5). */
function stateOf(statistics: string): readonly string[] {
  return statistics.slice(statistics.lastIndexOf(')') + 2).split(' ')
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/**
 * Below the ports that systems give to connections that somebody opens: while a server is down for a moment, nobody's connection takes
 * the port that it comes back to.
 */
const [firstPort, lastPort] = [15_000, 32_000]
const attemptsMax = 200

/** Ports of the loopback interface that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>()
  for (let attempt = 0; ports.size < count; attempt++) {
    if (attempt > attemptsMax + count) throw new Error(`there are no ${count} free ports from ${firstPort} to ${lastPort}`)
    const port = randomInt(firstPort, lastPort)
    if (!ports.has(port) && (await isFree(port))) ports.add(port)
  }
  return [...ports]
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Stops and deletes the servers whose process was killed before it could. What cannot be cleared away is in nobody's way. */
function removeOrphans<P extends Place>(prefix: string, remove: (place: P) => void): void {
  for (const name of readdirSync(tmpdir())) {
    const file = join(tmpdir(), name, ownerFile)
    if (!name.startsWith(prefix) || !existsSync(file)) continue
    const owner = ownerOf<P>(file)
    if (owner === undefined || isAlive(owner.pid)) continue
    try {
      remove(owner.place)
    } catch (error) {
      console.error(`${join(tmpdir(), name)} is of no use to anybody, but stays:`, error)
    }
  }
}

/** Undefined where somebody is just writing the file. */
function ownerOf<P extends Place>(file: string): Owner<P> | undefined {
  try {
    // Written by `own`.
    const owner = JSON.parse(readFileSync(file, 'utf8')) as Partial<Owner<P>> | null
    return typeof owner?.pid === 'number' && owner.place !== undefined ? { pid: owner.pid, place: owner.place } : undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM'
  }
}

/** Empty where there is no such file, or no longer. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
