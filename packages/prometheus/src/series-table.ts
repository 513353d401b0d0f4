/** The series of one metric, found by the labels object that the engine passes: no text is made or compared per event. */
import type { Attributes } from '@workflow/core'

export type Labels = Readonly<Record<string, string>>

/** One combination of labels, and what is measured there. */
export interface Series {
  readonly labels: Labels
  /** Not once it has been removed: whoever still has it must look for its successor. */
  live: boolean
}

export class SeriesTable<S extends Series> {
  readonly #labelNames: readonly string[]
  readonly #create: (labels: Labels) => S
  readonly #byKey = new Map<string, S>()
  readonly #byObject = new WeakMap<Attributes, S>()
  #lastObject: Attributes | undefined
  #lastSeries: S | undefined

  constructor(labelNames: readonly string[], create: (labels: Labels) => S) {
    this.#labelNames = labelNames
    this.#create = create
  }

  /** The series of these labels, made where there is none yet. Labels that the metric does not have are ignored. */
  of(labels: Attributes): S {
    const last = this.#lastSeries
    if (last !== undefined && labels === this.#lastObject && last.live) return last
    const known = this.#byObject.get(labels)
    const series = known !== undefined && known.live ? known : this.#lookUp(labels)
    // What is not frozen may say something else the next time.
    if (series !== known && !Object.isFrozen(labels)) return series
    if (series !== known) this.#byObject.set(labels, series)
    this.#lastObject = labels
    this.#lastSeries = series
    return series
  }

  values(): Iterable<S> {
    return this.#byKey.values()
  }

  /** Removes the series that `chosen` says; without it, all. Measuring there again begins anew. */
  remove(chosen: (labels: Labels) => boolean = () => true): void {
    for (const [key, series] of this.#byKey) {
      if (!chosen(series.labels)) continue
      series.live = false
      this.#byKey.delete(key)
    }
  }

  #lookUp(labels: Attributes): S {
    const values = this.#labelNames.map((name) => String(labels[name] ?? ''))
    // As JSON, since names come from definitions: joined by any sign, two could become one.
    const key = JSON.stringify(values)
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const series = this.#create(Object.freeze(Object.fromEntries(this.#labelNames.map((name, i) => [name, values[i] ?? '']))))
    this.#byKey.set(key, series)
    return series
  }
}
