/** A row of the table `instance`. */
export interface InstanceRow {
  readonly id: string
  readonly expiresAt: number
  readonly leaseMs: number
}

/**
 * When each lease of another instance was last seen to change, by our own monotonic clock. The dates in the table are
 * those of whoever wrote them, and a machine whose clock was in the future must not keep its roles for ever: a lease
 * that nobody has renewed for as long as it lasts is over, whatever its date says. All instances of a file share one
 * machine and so the pace of its clock, and a holder stops before its lease is over by that clock.
 */
export class Sightings {
  #seen = new Map<string, { readonly expiresAt: number; readonly since: number }>()

  /** Those of `rows`, which are all there are, whose lease is over. `nowMs`: by the monotonic clock. */
  over(rows: readonly InstanceRow[], nowMs: number): readonly string[] {
    const seen = new Map<string, { readonly expiresAt: number; readonly since: number }>()
    const over: string[] = []
    for (const { id, expiresAt, leaseMs } of rows) {
      const last = this.#seen.get(id)
      const sighting = last?.expiresAt === expiresAt ? last : { expiresAt, since: nowMs }
      seen.set(id, sighting)
      if (nowMs - sighting.since > leaseMs) over.push(id)
    }
    this.#seen = seen
    return over
  }
}
