/**
 * Chance that is the same on every machine: integers and one division, nothing of the platform's mathematics.
 *
 * Source: sfc32 of Chris Doty-Humphrey's PractRand, http://pracrand.sourceforge.net, seeded by splitmix steps.
 */
export class Dice {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number) {
    let state = seed >>> 0
    // A seed beyond 32 bits is another seed.
    let high = Math.floor(seed / 2 ** 32) >>> 0
    const next = (): number => {
      state = (state + 0x9e3779b9) >>> 0
      high = (high + 0x85ebca6b) >>> 0
      return mixed(state ^ mixed(high))
    }
    this.#a = next()
    this.#b = next()
    this.#c = next()
    for (let i = 0; i < 12; i++) this.bits()
  }

  /** 32 random bits, as a number that is not negative. */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (this.#c << 21) | (this.#c >>> 11)
    this.#c = (this.#c + sum) | 0
    return sum >>> 0
  }

  /** At least 0, less than 1. */
  readonly fraction = (): number => this.bits() / 2 ** 32

  /** A whole number from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.fraction() * count)
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  /** One of several; there must be one. */
  pick<T>(from: readonly T[]): T {
    // In range, unless there is nothing to pick from, which is the caller's mistake.
    return from[this.below(from.length)] as T
  }

  /** Mostly short, sometimes long: one of four ranges, each ten times as long as the one before. */
  spread(least: number, most: number): number {
    const range = this.below(10)
    const top =
      range < 5 ? least + (most - least) / 1_000 : range < 8 ? least + (most - least) / 100 : range < 9 ? least + (most - least) / 10 : most
    return Math.floor(least + this.fraction() * (top - least))
  }

  /** Other dice, whose throws do not depend on how often these are thrown. */
  static of(seed: number, name: string): Dice {
    return new Dice(mixed((seed >>> 0) ^ hashOf(name)) + mixed(Math.floor(seed / 2 ** 32) ^ 0x51ed270b) * 2 ** 20)
  }
}

/** 32 bits of a text. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

function mixed(value: number): number {
  let bits = value | 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad)
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)
  return (bits ^ (bits >>> 15)) >>> 0
}
