/**
 * The types of a graph: what a status may look like, and which statuses an exit of some kind leaves. Written so that a
 * mistake is reported once, at the place where it was made, in words that fit on a screen.
 */
import type { ExitKind } from './model/definition.ts'

export type { ExitKind }

/** How a run may leave one status, by what makes it leave. `{}` is terminal. */
export interface Exits<Status extends string = string> {
  readonly step?: readonly [Status, ...Status[]]
  readonly callback?: readonly [Status, ...Status[]]
  readonly timeout?: readonly [Status, ...Status[]]
  /** Once every child run that was started on the way into this status has finished. */
  readonly join?: readonly [Status, ...Status[]]
}

/** A graph bounded by itself: a destination that is no status is reported at its own literal, with "Did you mean …?". */
export type GraphOf<G> = { readonly [Status in keyof G]: Exits<keyof G & string> }

/** Any graph. */
export type AnyGraph = { readonly [status: string]: Exits }

/**
 * The statuses that `Kind` leaves. Optional keys count too: that is what `G` falls back to after a typo, and then nothing
 * further in the chain is reported. `Exclude<…, never>` makes messages print the statuses instead of this alias.
 */
export type StatusHaving<G, Kind extends ExitKind> = Exclude<
  { [S in keyof G]: Kind extends keyof G[S] ? S : never }[keyof G] & string,
  never
>

/** The statuses without exits. */
export type EndsOf<G> = Exclude<{ [S in keyof G]: [keyof G[S]] extends [never] ? S : never }[keyof G] & string, never>

/** What must be handled, as text: `step created`. Only of keys that are required, so that a typo asks for nothing more. */
export type WorkOf<G> = {
  [S in keyof G]: {
    [Kind in ExitKind]: G[S] extends { readonly [K in Kind]: readonly string[] } ? `${Kind} ${S & string}` : never
  }[ExitKind]
}[keyof G]
