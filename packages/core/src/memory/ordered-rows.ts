/** What `OrderedRows` keeps. */
export interface OrderedRow {
  /** Given once, grows from row to row. */
  readonly order: number
  /** Set when the row is deleted; it stays in the list for a while. */
  gone: boolean
}

/** How many rows one page looks at. A selective query then gives a short page instead of holding up the process. */
const scanMax = 20_000

/** Rows by their order, for listings: appended at the end, skipped when they are gone, swept when half of them are. */
export class OrderedRows<Row extends OrderedRow> {
  #rows: Row[] = []
  #gone = 0

  /** The rows, gone ones among them. */
  get rows(): readonly Row[] {
    return this.#rows
  }

  add(row: Row): void {
    const last = this.#rows.at(-1)
    if (last === undefined || last.order < row.order) this.#rows.push(row)
    else this.#rows.splice(firstAfter(this.#rows, row.order), 0, row)
  }

  /** Counts one row that has gone. */
  noteGone(): void {
    this.#gone++
    if (this.#gone * 2 <= this.#rows.length) return
    this.#rows = this.#rows.filter((row) => !row.gone)
    this.#gone = 0
  }
}

/** A page of rows that match, after the row of order `after`, and the order to go on from. */
export function pageOfRows<Row extends OrderedRow>(
  rows: readonly Row[],
  after: number | undefined,
  limit: number,
  newestFirst: boolean,
  matches: (row: Row) => boolean,
): { items: Row[]; next: number | undefined } {
  const items: Row[] = []
  const step = newestFirst ? -1 : 1
  let index = newestFirst
    ? (after === undefined ? rows.length : firstAfter(rows, after - 1)) - 1
    : after === undefined
      ? 0
      : firstAfter(rows, after)
  for (let looked = 0; index >= 0 && index < rows.length; index += step, looked++) {
    const row = rows[index]
    if (row === undefined) break
    if (items.length === limit || looked === scanMax) {
      const last = rows[index - step]
      return { items, next: last?.order }
    }
    if (!row.gone && matches(row)) items.push(row)
  }
  return { items, next: undefined }
}

/** Index of the first row whose order is greater. */
function firstAfter(rows: readonly OrderedRow[], order: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((rows[middle]?.order ?? order) <= order) low = middle + 1
    else high = middle
  }
  return low
}
