/** What came of a step of the gate. */
export interface StepResult {
  readonly ok: boolean
  readonly ms: number
  readonly output: string
  /** In place of the last line that it wrote. */
  readonly summary?: string
  /** What a step that runs tests counted. */
  readonly tests?: TestCounts
}

export interface TestCounts {
  readonly passed: number
  readonly failed: number
}
