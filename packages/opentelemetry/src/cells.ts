import type { Attributes } from '@workflow/core'

interface Cell {
  readonly labels: Attributes
  value: number
}

/** The values of one metric, by labels. The engine's labels are found by identity: nothing is put together per event. */
export class Cells {
  readonly #known = new WeakMap<Attributes, Cell>()
  readonly #byKey = new Map<string, Cell>()

  add(n: number, labels: Attributes): void {
    this.#cell(labels).value += n
  }

  set(value: number, labels: Attributes): void {
    this.#cell(labels).value = value
  }

  [Symbol.iterator](): IterableIterator<Readonly<Cell>> {
    return this.#byKey.values()
  }

  /** Sets what a workflow has left to 0. An SDK would show the last value of a gauge that is told no more for ever. */
  clear(workflowName: string): void {
    for (const cell of this.#byKey.values()) if (cell.labels['workflow_name'] === workflowName) cell.value = 0
  }

  #cell(labels: Attributes): Cell {
    const known = this.#known.get(labels)
    if (known !== undefined) return known
    // Another instance of the workflow has labels of its own that are equal.
    const key = JSON.stringify(labels)
    let cell = this.#byKey.get(key)
    if (cell === undefined) this.#byKey.set(key, (cell = { labels, value: 0 }))
    this.#known.set(labels, cell)
    return cell
  }
}
