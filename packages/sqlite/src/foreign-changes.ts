import type { Clock } from '@workflow/core/adapter'
import type { Connection } from './connection.ts'

/** An idle process looks this many times less often than a busy one. */
const backOffFactorMax = 5

/**
 * Notices that another connection has written: SQLite counts that in `data_version`, which costs microseconds to read.
 * Looks only while somebody watches.
 */
export class ForeignChanges {
  readonly #connection: Connection
  readonly #clock: Clock
  readonly #pollingMs: number
  readonly #watchers = new Set<() => void>()
  #timer: Disposable | undefined
  #version: number | undefined
  #waitMs: number

  constructor(connection: Connection, clock: Clock, pollingMs: number) {
    this.#connection = connection
    this.#clock = clock
    this.#pollingMs = pollingMs
    this.#waitMs = pollingMs
  }

  /** Calls back when another connection has committed something, or perhaps has. */
  watch(callback: () => void): Disposable {
    this.#watchers.add(callback)
    if (this.#timer === undefined && this.#pollingMs > 0) this.#arm()
    return {
      [Symbol.dispose]: () => {
        this.#watchers.delete(callback)
        if (this.#watchers.size === 0) this.close()
      },
    }
  }

  /** Something happens here: a process beside us is likely to be busy, too. */
  busy(): void {
    this.#waitMs = this.#pollingMs
  }

  close(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  #arm(): void {
    this.#timer = this.#clock.setTimer(this.#waitMs, () => {
      this.#timer = undefined
      // A handle that its owner has closed has nothing more to tell.
      if (!this.#connection.database.open) return
      const changed = this.#look()
      this.#waitMs = changed ? this.#pollingMs : Math.min(Math.ceil(this.#waitMs * 1.2), this.#pollingMs * backOffFactorMax)
      if (changed) for (const callback of [...this.#watchers]) callback()
      if (this.#watchers.size > 0 && this.#timer === undefined) this.#arm()
    })
  }

  #look(): boolean {
    try {
      const version = this.#connection.value<number>('PRAGMA data_version')
      const changed = version !== this.#version
      this.#version = version
      return changed
    } catch {
      // Locked for a moment, or broken: whoever writes or reads next says so to somebody who can hear it.
      return true
    }
  }
}
