/** Which rows of a long list are drawn. */

export interface ListWindow {
  /** The first row that is drawn, and the one after the last. */
  readonly from: number
  readonly to: number
  /** Pixels above the first. */
  readonly offset: number
  /** Pixels of all rows. */
  readonly height: number
}

/** Rows beyond the edges, so that scrolling shows no gaps. */
const overscan = 8

export function listWindow(scroll: number, viewport: number, rowHeight: number, count: number): ListWindow {
  const first = Math.floor(Math.max(0, scroll) / rowHeight) - overscan
  const from = Math.max(0, Math.min(first, count))
  const to = Math.min(count, Math.ceil((Math.max(0, scroll) + viewport) / rowHeight) + overscan)
  return { from, to: Math.max(from, to), offset: from * rowHeight, height: count * rowHeight }
}
