/** The processor time of a server on this machine, read where Linux keeps it. */
import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts in hundredths of a second on every machine that Node runs on. */
const ticksPerSecond = 100

/** One process as `/proc/<pid>/stat` describes it. */
export interface ProcessStat {
  readonly parent: number
  readonly name: string
  /** Its own. */
  readonly cpuMs: number
  /** That of its children that have ended. */
  readonly endedChildrenCpuMs: number
}

/** Throws for what is not such a line. */
export function processStat(line: string): ProcessStat {
  // The name stands in parentheses and may hold any of them: it ends at the last one.
  const open = line.indexOf('(')
  const close = line.lastIndexOf(')')
  const fields = line.slice(close + 2).split(' ')
  const field = (number: number): number => Number(fields[number - 3])
  const stat = {
    parent: field(4),
    name: line.slice(open + 1, close),
    cpuMs: ((field(14) + field(15)) / ticksPerSecond) * 1_000,
    endedChildrenCpuMs: ((field(16) + field(17)) / ticksPerSecond) * 1_000,
  }
  if (open < 0 || close < open || !Number.isFinite(stat.cpuMs + stat.endedChildrenCpuMs)) throw new Error(`not a process: ${line}`)
  return stat
}

/** A server's main process, given one of its workers. Undefined where that is on another machine or another system. */
export function parentOf(pid: number, name: string): number | undefined {
  const stat = read(pid)
  return stat?.name === name ? stat.parent : undefined
}

/** Of a process, its children, and those of them that have ended, since each of them started. */
export function familyCpuMs(pid: number): number {
  const main = read(pid)
  if (main === undefined) throw new Error(`process ${pid} is gone`)
  let cpuMs = main.cpuMs + main.endedChildrenCpuMs
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? read(Number(name)) : undefined
    if (stat?.parent === pid) cpuMs += stat.cpuMs
  }
  return cpuMs
}

function read(pid: number): ProcessStat | undefined {
  try {
    return processStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    // It has just ended, or this is not Linux.
    return undefined
  }
}
