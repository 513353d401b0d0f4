import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerUsage } from './stream-target.ts'

/** Processor times in /proc are in hundredths of a second, on every Linux of today. */
const tickMs = 10

/** What the server in a folder has used until now. On Linux only; elsewhere nothing is known. */
export function usageOf(folder: string): ServerUsage {
  try {
    const pid = readFileSync(join(folder, 'pid'), 'utf8')
    // The name of the program, which may have blanks in it, is in parentheses.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return { cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs, rssMegabytes: (Number(kibibytes) * 1_024) / 1e6 }
  } catch {
    return { cpuMs: Number.NaN, rssMegabytes: Number.NaN }
  }
}
