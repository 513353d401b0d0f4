/** A bug that is planted in the engine: one place of its sources, and what becomes of it. */
import type { Invariant } from '../../../src/simulation/oracle.ts'

export interface PlantedBug {
  readonly name: string
  /** In `packages/core/src`. */
  readonly file: string
  /** Must be there exactly once. */
  readonly from: string
  readonly to: string
  /** Within how many seeds it must be found. */
  readonly within: number
  /** Which promises it may be seen to break. */
  readonly breaks: readonly Invariant[]
}
