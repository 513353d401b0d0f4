import { createHash } from 'node:crypto'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'

/** Makes the ids of runs and units. */
export class Ids {
  readonly #random: Random
  readonly #clock: Clock
  readonly #prefix: string
  #units = 0
  #ms = 0
  #counter = 0
  #timeOf = -1
  #time = ''

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
    this.#prefix = this.run()
  }

  /**
   * A UUID version 7 (RFC 9562, method 1 of section 6.2): 48 bits of milliseconds, a counter of 26 bits that starts anew at
   * random in every millisecond, 48 random bits. Unique, and greater than the one before, also when the clock goes back.
   */
  run(): string {
    const now = this.#clock.now()
    if (now > this.#ms) {
      this.#ms = now
      this.#counter = this.#bits(25)
    } else if (++this.#counter === 2 ** 26) {
      this.#ms += 1
      this.#counter = this.#bits(25)
    }
    if (this.#ms !== this.#timeOf) {
      this.#timeOf = this.#ms
      const time = hex(this.#ms, 12)
      this.#time = `${time.slice(0, 8)}-${time.slice(8)}-7`
    }
    const counter = this.#counter
    const high = hex(counter >>> 14, 3)
    const low = hex(0x8000 | (counter & 0x3fff), 4)
    return `${this.#time}${high}-${low}-${hex(this.#bits(48), 12)}`
  }

  /** Unique over all processes, short, and never derived from what may happen twice. */
  unit(): string {
    this.#units += 1
    return `${this.#prefix}.${this.#units.toString(36)}`
  }

  #bits(count: number): number {
    return Math.floor(this.#random() * 2 ** count)
  }

  /** The same id for the same parts, wherever and whenever: a UUID version 8 (RFC 9562) over SHA-256. */
  static derived(...parts: readonly string[]): string {
    const hash = createHash('sha256')
    for (const part of parts) hash.update(`${part.length}:${part}`)
    const hex = hash.digest('hex')
    const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16)
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
