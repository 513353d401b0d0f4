import { createHash } from 'node:crypto'
import { V7Generator } from 'uuidv7'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'

/** Makes the ids of runs and units. */
export class Ids {
  readonly #generator: V7Generator
  readonly #clock: Clock
  readonly #prefix: string
  #units = 0

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#generator = new V7Generator({ nextUint32: () => Math.floor(random() * 0x1_0000_0000) })
    this.#prefix = this.run()
  }

  /** A UUID version 7 (RFC 9562): unique, and ordered by time within this process. */
  run(): string {
    return this.#generator.generateOrResetWithTs(this.#clock.now()).toString()
  }

  /** Unique over all processes, short, and never derived from what may happen twice. */
  unit(): string {
    this.#units += 1
    return `${this.#prefix}.${this.#units.toString(36)}`
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
