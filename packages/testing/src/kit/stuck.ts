/** The error of a wait that will not end, and how it says what is wrong and what to do. */
import type { Explanation } from '@workflow/core'
import type { Failing } from './failures.ts'

/**
 * Why: `deadlock` = nothing is left that time could bring; `stalled` = a handler waits for something real, and time stands
 * still; `failing` = the run's handler fails every time; `slow` = the patience is over while things still happen.
 */
export type StuckReason = 'deadlock' | 'stalled' | 'failing' | 'slow'

/** A wait of a test kit that will not end, told as soon as that is known. */
export class Stuck extends Error {
  readonly reason: StuckReason
  /** Why each unfinished run is where it is, the awaited one first; the first few of many. */
  readonly runs: readonly Explanation[]

  constructor(reason: StuckReason, message: string, runs: readonly Explanation[], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'Stuck'
    this.reason = reason
    this.runs = runs
  }
}

/** Unfinished runs, as many as an error shows. */
export interface Unfinished {
  readonly shown: readonly Explanation[]
  readonly more: number
}

/** How many runs an error tells about. */
export const shownMax = 5

export function deadlock(what: string, unfinished: Unfinished): Stuck {
  const advice = [...new Set(unfinished.shown.flatMap(adviceFor))]
  return new Stuck(
    'deadlock',
    paragraphs(
      `${what} waits in vain: everything is idle, and nothing is left that time could bring.`,
      ...runLines(unfinished, 'No run is unfinished.'),
      ...advice,
    ),
    unfinished.shown,
  )
}

export interface StalledCall {
  readonly handler: string
  readonly foreignId?: string
}

export function stalled(what: string, calls: readonly StalledCall[], unfinished: Unfinished, patience: string): Stuck {
  const open = resources()
  const whose = calls.map(({ handler, foreignId }) => `'${handler}'${foreignId === undefined ? '' : ` of '${foreignId}'`}`)
  return new Stuck(
    'stalled',
    paragraphs(
      `${what} gave up after ${patience} of real time: ${several(whose)} ${calls.length === 1 ? 'waits' : 'wait'} for something that is not virtual time, and until it comes time stands still.`,
      `A real timer? Take \`kit.clock\` instead of setTimeout. Real input or output? Mock the step, or hand a fake to the definition. A promise that nobody resolves? Mock it with \`neverAnswers\`, which ends at the handler's deadline. If it is only slow, give the kit more \`patience\`.`,
      open === '' ? '' : `Open in this process, test runner included: ${open}.`,
      ...runLines(unfinished, ''),
    ),
    unfinished.shown,
  )
}

export function failing(what: string, { handler, count, error }: Failing, unfinished: Unfinished): Stuck {
  // What the engine has refused, it has written down.
  const last = unfinished.shown[0]?.lastError
  const said = error === undefined && last !== undefined ? `${last.code ?? last.name}: ${last.message}` : text(error)
  return new Stuck(
    'failing',
    paragraphs(
      `${what} waits for a run whose '${handler}' has failed ${count} times in a row, last with: ${said}`,
      'Mend or mock the handler; if it is meant to fail this often, give the kit a higher `attemptsMax`.',
      ...runLines(unfinished, ''),
    ),
    unfinished.shown,
    error,
  )
}

export function untimely(what: string, until: string, patience: string, unfinished: Unfinished): Stuck {
  return new Stuck(
    'stalled',
    paragraphs(
      `${what} gave up after ${patience} of real time: it waits for time to pass, and time stands still while no verb of the kit waits.`,
      `In a test: await kit.until(${until})`,
      ...runLines(unfinished, 'No run is unfinished.'),
    ),
    unfinished.shown,
  )
}

export function slow(what: string, patience: string, passed: string, unfinished: Unfinished): Stuck {
  return new Stuck(
    'slow',
    paragraphs(
      `${what} gave up after ${patience} of real time, in which ${passed} of virtual time passed and things went on happening.`,
      'Runs that start each other or repeat for ever (a schedule, a reminder) never come to rest: wait for what comes in between, or pass a fixed time with `kit.advance`. If it is only much work, give the kit more `patience`.',
      ...runLines(unfinished, 'No run is unfinished.'),
    ),
    unfinished.shown,
  )
}

function runLines({ shown, more }: Unfinished, none: string): readonly string[] {
  if (shown.length === 0) return [none]
  return [...shown.map(({ text: why }) => `- ${why}`), ...(more > 0 ? [`- and ${more} more unfinished.`] : [])]
}

function adviceFor({ foreignId, waitsFor, runId }: Explanation): readonly string[] {
  return waitsFor.flatMap((wait) => {
    if (wait.kind === 'callback' && wait.queued === 0) return [`In a test: kit.triggerCallbackOn('${foreignId}', '${wait.status}', …)`]
    if (wait.kind === 'person') return [`In a test: kit.workflow.resume('${runId}', { actor, reason })`]
    if (wait.kind === 'children' && wait.unfinished > 0)
      return ['Children run only where their own workflow does: testKit(childDefinition, {}, { beside: kit })']
    return []
  })
}

function paragraphs(...lines: readonly string[]): string {
  return lines.filter((line) => line !== '').join('\n')
}

function several(names: readonly string[]): string {
  const more = names.length - shownMax
  return `${names.slice(0, shownMax).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function text(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

/** What Node knows to be open, counted: the kind of thing that a stalled handler waits for is among it. */
function resources(): string {
  const counts = new Map<string, number>()
  for (const name of process.getActiveResourcesInfo()) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].map(([name, count]) => `${count} ${name}`).join(', ')
}
