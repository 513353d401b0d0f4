/**
 * Asks the workflows that run in this process what they are at, for whatever shows it at intervals. No answer is waited
 * for longer than the asker may take, and none is asked for more often than is good for the store and the streamer.
 */
import type { Clock } from '../ports/clock.ts'
import type { Observed } from '../ports/instrumentation.ts'
import type { Logger } from '../ports/logger.ts'
import { PolledAnswer } from './polled-answer.ts'

type Receivers = Awaited<ReturnType<Observed['receivers']>>
type Runs = Awaited<ReturnType<Observed['runs']>>

/** What a workflow is asked. */
export type ObservedQuestion = 'states' | 'slots' | 'in_hand' | 'receivers' | 'runs'
export const observedQuestions: readonly ObservedQuestion[] = Object.freeze(['states', 'slots', 'in_hand', 'receivers', 'runs'])

/** How a workflow is asked. */
export interface ObservedAsking {
  /** Whether the streamer and the store may be asked; where not, `receivers` and `runs` have no answer. */
  readonly queries: boolean
  /** How long their answers, and failures, are used again; an answer that took long, for twenty times as long as it took; 0 = never. */
  readonly keepMs: number
  /** How long a reading waits for them. */
  readonly timeoutMs: number
  readonly clock: Clock
  /** Is told when answers begin to be missing, and why. */
  readonly logger: Logger
}

/** What one instance said of itself. What it did not answer is missing. */
export interface InstanceReading {
  readonly states?: ReturnType<Observed['states']>
  readonly slots?: ReturnType<Observed['slots']>
  readonly inHand?: ReturnType<Observed['inFlight']>
}

/** What one workflow answered: each of its instances here for itself, one of them for all. */
export interface WorkflowReading {
  readonly workflowName: string
  readonly instances: readonly InstanceReading[]
  /** When it was read, in milliseconds since 1970. */
  readonly now: number
  readonly receivers?: Receivers
  readonly runs?: Runs
}

/** Told which question of which workflow had no answer. */
export type Missing = (workflowName: string, question: ObservedQuestion) => void

/** How many workflows are asked at once, so that a process of many does not take all connections of its database. */
const askedAtOnce = 2

export class ObservedWorkflows {
  readonly #attached = new Set<Attachment>()

  /** Has the workflow asked at every reading, until the result is disposed. */
  attach(observed: Observed, asking: ObservedAsking): Disposable {
    const attachment = new Attachment(observed, asking)
    this.#attached.add(attachment)
    return { [Symbol.dispose]: () => void this.#attached.delete(attachment) }
  }

  /** Whether an instance of the workflow is attached. */
  has(workflowName: string): boolean {
    return [...this.#attached].some((attachment) => attachment.workflowName === workflowName)
  }

  /** One reading of all workflows that are attached, and still are when they have answered. Never rejects. */
  async read(missing: Missing): Promise<readonly WorkflowReading[]> {
    const workflows = Map.groupBy(this.#attached, ({ workflowName }) => workflowName)
    const waiting = [...workflows.values()].map((attachments) => ({ attachments, deadlines: attachments.map((each) => each.deadline()) }))
    const readings: WorkflowReading[] = []
    const lane = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const reading = await readWorkflow(next.attachments, next.deadlines, missing)
        if (this.has(reading.workflowName)) readings.push(reading)
      }
    }
    await Promise.all(Array.from({ length: askedAtOnce }, lane))
    return readings
  }
}

async function readWorkflow(attachments: readonly Attachment[], deadlines: readonly number[], missing: Missing): Promise<WorkflowReading> {
  const workflowName = attachments[0]?.workflowName ?? ''
  const unanswered = (question: ObservedQuestion): void => missing(workflowName, question)
  // Whom it asks for all is the newest one that may be asked.
  const at = Math.max(
    0,
    attachments.findLastIndex(({ queries }) => queries),
  )
  const shared = (await attachments[at]?.readShared(deadlines[at] ?? 0, unanswered)) ?? { now: 0 }
  return { workflowName, ...shared, instances: attachments.map((attachment) => attachment.read(unanswered)) }
}

/** One instance, as readings ask it. */
class Attachment {
  readonly #observed: Observed
  readonly #asking: ObservedAsking
  readonly #receivers: PolledAnswer<Receivers>
  readonly #runs: PolledAnswer<Runs>

  constructor(observed: Observed, asking: ObservedAsking) {
    this.#observed = observed
    this.#asking = asking
    const { clock, keepMs, timeoutMs, logger } = asking
    const common = { clock, keepMs, timeoutMs, logger }
    const fields = (question: ObservedQuestion): Readonly<Record<string, string>> => ({ workflow: observed.workflowName, question })
    this.#receivers = new PolledAnswer({ ...common, ask: () => observed.receivers(), fields: fields('receivers') })
    this.#runs = new PolledAnswer({ ...common, ask: () => observed.runs(), fields: fields('runs') })
  }

  get workflowName(): string {
    return this.#observed.workflowName
  }

  get queries(): boolean {
    return this.#asking.queries
  }

  /** What this instance is at. `missing` is told what it could not say. */
  read(missing: (question: ObservedQuestion) => void): InstanceReading {
    const answers: { -readonly [K in keyof InstanceReading]: InstanceReading[K] } = {}
    const asked = (question: ObservedQuestion, ask: () => void): void => {
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

  /** Until when the answers to a reading that begins now may take, on this attachment's clock. */
  deadline(): number {
    return this.#asking.clock.monotonic() + this.#asking.timeoutMs
  }

  /** How far the workflow is, asked of its streamer and store one after the other, so that a reading never keeps two connections of theirs. */
  async readShared(
    deadline: number,
    missing: (question: ObservedQuestion) => void,
  ): Promise<Pick<WorkflowReading, 'now' | 'receivers' | 'runs'>> {
    const { clock, queries } = this.#asking
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
