/** What workers say of their roles, in a file that outlives them, and whether two ever had the same one. */
import type { RoleLease, RoleScheduler } from '@workflow/core/adapter'
import { appendFileSync, closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'

/** `taken` when it was given, `valid` when the lease said that it holds, at least every 100 ms in which it was asked, `gone` when it was given back or lost. */
export interface RoleLine {
  readonly what: 'taken' | 'valid' | 'gone'
  readonly role: string
  readonly domain: string
  /** A decimal number. */
  readonly token: string
  readonly pid: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

const everyMs = 100

/** A scheduler whose leases are written down. */
export function loggedScheduler(scheduler: RoleScheduler, file: string): RoleScheduler {
  return {
    instance: scheduler.instance,
    holders: scheduler.holders,
    close: scheduler.close,
    awaitRole: async (role, options) => {
      const lease = await scheduler.awaitRole(role, options)
      return loggedLease(lease, (what, at) => {
        const { domain, token } = lease.fence
        const line: RoleLine = { what, role, domain, token: String(token), pid: process.pid, at }
        appendFileSync(file, `${JSON.stringify(line)}\n`)
      })
    },
  }
}

function loggedLease(lease: RoleLease, say: (what: RoleLine['what'], at: number) => void): RoleLease {
  let [lastMs, gone] = [0, false]
  const end = (): void => {
    if (gone) return
    gone = true
    say('gone', Date.now())
  }
  say('taken', Date.now())
  lease.signal.addEventListener('abort', end, { once: true })
  return {
    fence: lease.fence,
    unclean: lease.unclean,
    yield: lease.yield,
    signal: lease.signal,
    isValid: () => {
      // Before the question: a process that is paused in between says what was true then.
      const at = Date.now()
      const valid = lease.isValid()
      if (valid && at - lastMs >= everyMs) {
        lastMs = at
        say('valid', at)
      }
      return valid
    },
    release: () => {
      end()
      return lease.release()
    },
    [Symbol.asyncDispose]: () => {
      end()
      return lease[Symbol.asyncDispose]()
    },
  }
}

/** What has been written so far; each look reads only what has come since the one before. */
export class RoleLog {
  readonly #file: string
  readonly #lines: RoleLine[] = []
  #read = 0

  constructor(file: string) {
    this.#file = file
  }

  lines(): readonly RoleLine[] {
    if (!existsSync(this.#file)) return []
    const file = openSync(this.#file, 'r')
    try {
      const fresh = Buffer.alloc(fstatSync(file).size - this.#read)
      readSync(file, fresh, 0, fresh.length, this.#read)
      // One write per line: a killed process leaves whole lines only. Written above.
      for (const line of fresh.toString().split('\n')) if (line !== '') this.#lines.push(JSON.parse(line) as RoleLine)
      this.#read += fresh.length
    } finally {
      closeSync(file)
    }
    return this.#lines
  }
}

/** The roles that a process has at a moment. */
export function rolesOf(log: readonly RoleLine[], pid: number, at: number): ReadonlySet<string> {
  const held = new Set<string>()
  for (const line of log) {
    if (line.pid !== pid || line.at > at) continue
    if (line.what === 'taken') held.add(line.role)
    else if (line.what === 'gone') held.delete(line.role)
  }
  return held
}

/** Every time that two could write as the holder of one role, in words. */
export function roleFaults(log: readonly RoleLine[]): readonly string[] {
  const faults: string[] = []
  for (const [role, lines] of Map.groupBy(log, (line) => line.role)) {
    const ordered = lines.toSorted((a, b) => a.at - b.at)
    let holder: RoleLine | undefined
    for (const line of ordered) {
      if (line.what === 'taken') {
        if (holder !== undefined && holder.domain === line.domain && BigInt(line.token) <= BigInt(holder.token))
          faults.push(`role ${role}: process ${line.pid} was given token ${line.token} after ${holder.token}`)
        holder = line
      } else if (line.what === 'valid' && holder !== undefined && line.at > holder.at && isOther(line, holder))
        faults.push(
          `role ${role}: process ${line.pid} trusted token ${line.token} ${line.at - holder.at} ms after process ${holder.pid} was given ${holder.token}`,
        )
    }
  }
  return faults
}

function isOther(line: RoleLine, holder: RoleLine): boolean {
  return line.token !== holder.token || line.domain !== holder.domain
}
