/** A timer of a run. */
export interface RunTimer {
  /** `timeout`: of a status. `retry`: an attempt is made again. `resume`: the engine's own pause ends. */
  readonly kind: 'timeout' | 'retry' | 'resume'
  readonly name: string
  /** The version that it belongs to: of the entry into the status, for a timeout. */
  readonly version: number
  readonly at: Date
  /** `held`: its run is paused. `fired`: what it was for has been done. `cancelled`: the run had gone on before. */
  readonly state: 'open' | 'held' | 'fired' | 'cancelled'
  /** Failed attempts so far, from 0. */
  readonly attempt: number
}

/** Which page of the timers of a run. */
export interface TimersQuery {
  /** The `cursor` of the page before. */
  readonly cursor?: string
  /**
   * At most this many, 1 to 1,000.
   * @default 100
   */
  readonly limit?: number
}
