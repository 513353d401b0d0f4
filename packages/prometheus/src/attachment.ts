import type { Observed } from '@workflow/core'
import type { Question } from './metric-list.ts'
import { PolledAnswer } from './polled-answer.ts'
import type { Settings } from './settings.ts'

type Receivers = Awaited<ReturnType<Observed['receivers']>>
type Runs = Awaited<ReturnType<Observed['runs']>>

/** What was learnt of one instance at one scrape. What it did not answer is missing. */
export interface Reading {
  readonly states?: ReturnType<Observed['states']>
  readonly slots?: ReturnType<Observed['slots']>
  readonly inHand?: ReturnType<Observed['inFlight']>
}

/** What was learnt of a workflow as a whole, at the time `now`. */
export interface SharedReading {
  readonly now: number
  readonly receivers?: Receivers
  readonly runs?: Runs
}

/** A workflow that runs in this process, as scrapes ask it. */
export class Attachment {
  readonly #observed: Observed
  readonly #settings: Settings
  readonly #receivers: PolledAnswer<Receivers>
  readonly #runs: PolledAnswer<Runs>

  constructor(observed: Observed, settings: Settings) {
    this.#observed = observed
    this.#settings = settings
    const { clock, cacheMs, timeoutMs, logger } = settings
    const common = { clock, keepMs: cacheMs, timeoutMs, logger }
    const fields = (question: Question): Readonly<Record<string, string>> => ({ workflow: observed.workflowName, question })
    this.#receivers = new PolledAnswer({ ...common, ask: () => observed.receivers(), fields: fields('receivers') })
    this.#runs = new PolledAnswer({ ...common, ask: () => observed.runs(), fields: fields('runs') })
  }

  get workflowName(): string {
    return this.#observed.workflowName
  }

  /** Whether streamer and store may be asked. */
  get queries(): boolean {
    return this.#settings.queries
  }

  /** What this instance is at. `missing` is told what it could not say. */
  read(missing: (question: Question) => void): Reading {
    const answers: { -readonly [K in keyof Reading]: Reading[K] } = {}
    const asked = (question: Question, ask: () => void): void => {
      try {
        ask()
      } catch {
        missing(question)
      }
    }
    asked('states', () => (answers.states = this.#observed.states()))
    asked('slots', () => (answers.slots = this.#observed.slots()))
    asked('in_hand', () => (answers.inHand = this.#observed.inFlight()))
    return answers
  }

  /** Until when the answers to a scrape that begins now may take, on this attachment's clock. */
  deadline(): number {
    return this.#settings.clock.monotonic() + this.#settings.timeoutMs
  }

  /** How far the workflow is, asked of its streamer and store one after the other, so that a scrape never keeps two connections of theirs. */
  async readShared(deadline: number, missing: (question: Question) => void): Promise<SharedReading> {
    const { clock, queries } = this.#settings
    if (!queries) return { now: clock.now() }
    const receivers = await this.#receivers.by(deadline)
    if (receivers === undefined) missing('receivers')
    const runs = await this.#runs.by(deadline)
    if (runs === undefined) missing('runs')
    return {
      now: clock.now(),
      ...(receivers === undefined ? undefined : { receivers: receivers.value }),
      ...(runs === undefined ? undefined : { runs: runs.value }),
    }
  }
}
