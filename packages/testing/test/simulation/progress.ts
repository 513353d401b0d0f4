import { faultKinds } from '../../src/simulation/fault.ts'
import type { Done } from './workers.ts'

/** What is told while seeds run: a bar on a terminal, a line now and then elsewhere, and what was covered in the end. */
export class Progress {
  readonly #total: number
  readonly #say: (line: string) => void
  readonly #startMs = performance.now()
  readonly #isTerminal = process.stdout.isTTY === true
  readonly #kinds = new Map<string, number>()
  readonly #seen = new Map<string, number>()
  #toldMs = performance.now()
  #seeds = 0
  #failed = 0
  #events = 0
  #runs = 0
  #faults = 0
  #virtualMs = 0

  constructor(total: number, say: (line: string) => void) {
    this.#total = total
    this.#say = say
  }

  done({ events, runs, struck, seen, virtualMs, failure }: Done): void {
    this.#seeds++
    this.#events += events
    this.#runs += runs
    this.#faults += struck.length
    this.#virtualMs += virtualMs
    if (failure !== undefined) {
      this.#failed++
      this.#say(`${this.#isTerminal ? '\r\u001B[K' : ''}seed ${failure.seed} breaks "${failure.invariant}": ${failure.message}`)
    }
    for (const kind of struck) this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1)
    for (const [what, count] of seen) this.#seen.set(what, (this.#seen.get(what) ?? 0) + count)
    const now = performance.now()
    if (now - this.#toldMs < (this.#isTerminal ? 100 : 10_000)) return
    this.#toldMs = now
    if (this.#isTerminal) process.stdout.write(`\r\u001B[K${this.#bar()} ${this.#line()}`)
    else this.#say(this.#line())
  }

  end(): void {
    if (this.#isTerminal) process.stdout.write('\r\u001B[K')
    this.#say(this.#line())
    this.#say(`${this.#runs} runs, ${(this.#virtualMs / 3_600_000).toFixed(1)} h of virtual time`)
    const missing = faultKinds.filter((kind) => !this.#kinds.has(kind))
    this.#say(`faults: ${listed(this.#kinds)}${missing.length === 0 ? '' : `; never: ${missing.join(', ')}`}`)
    this.#say(`seen: ${listed(this.#seen)}`)
  }

  #bar(): string {
    const filled = Math.floor((this.#seeds / this.#total) * 24)
    return `[${'='.repeat(filled)}${' '.repeat(24 - filled)}]`
  }

  #line(): string {
    const seconds = Math.max(0.001, (performance.now() - this.#startMs) / 1_000)
    const rate = (count: number): string => Math.round(count / seconds).toLocaleString('en')
    return `${this.#seeds}/${this.#total} seeds, ${rate(this.#seeds)} seeds/s, ${rate(this.#events)} events/s, ${this.#faults} faults, ${this.#failed} failed`
  }
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([what, count]) => `${what} ${count}`)
    .join(', ')
}
