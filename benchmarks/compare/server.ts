/** What the comparison needs of a server: places of their own for contenders, and what they have cost it. */

/** Counters that only go up, but for `databaseBytes`. */
export interface ServerReading {
  /** Undefined where the server is not on this machine. */
  readonly cpuMs: number | undefined
  /** What the contender's data takes. */
  readonly databaseBytes: number
  /** Written ahead, or appended, for durability. */
  readonly logBytes: number
}

/** A place for one contender. */
export interface Place extends AsyncDisposable {
  readonly url: string
  /** Brings the server to the state in which each measurement begins. */
  settle(): Promise<void>
  read(): Promise<ServerReading>
}

export interface Server extends AsyncDisposable {
  /** Its version, and what it promises of a commit. */
  readonly durability: string
  place(name: string): Promise<Place>
  /** Stops it at once, without waiting: for the end of the process. */
  kill(): void
}
