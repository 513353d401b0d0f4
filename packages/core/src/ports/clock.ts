/** Time, as everything in Workflow sees it. The system's by default, a virtual one in tests. */
export interface Clock {
  /** Milliseconds since the epoch. May jump; never used to measure a duration that must hold. */
  readonly now: () => number
  /** Milliseconds of a clock that never goes back; its zero means nothing. */
  readonly monotonic: () => number
  /** Calls back once, after at least `afterMs` and never before the current call returns. Disposing it first prevents that. */
  readonly setTimer: (afterMs: number, callback: () => void) => Disposable
  /** Calls back once, as soon as other work that is ready now has had its turn. */
  readonly setImmediate: (callback: () => void) => Disposable
}
