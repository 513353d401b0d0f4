/** Why a run is where it is, in sentences for whoever looks at a page: short, with local times and ages. */
import type { ExplanationJson } from '../../src/api/run-json.ts'
import { agoText, counted, timeText } from './amount-text.ts'

type Wait = ExplanationJson['waitsFor'][number]

export interface Why {
  /** What the run waits for, the likeliest first. */
  readonly waits: readonly string[]
  /** What went wrong last. */
  readonly lastFailure: string | undefined
  /** Who works for it, and how far they are behind. */
  readonly workers: readonly string[]
}

export function whyOf(explanation: ExplanationJson, nowMs: number): Why {
  const { waitsFor, state, failures, holder, lag } = explanation
  const failure = failures.at(-1)
  const finished = waitsFor.every(({ kind }) => kind === 'nothing')
  return {
    waits: waitsFor.map((wait) => waitText(wait, state, nowMs)),
    lastFailure:
      failure === undefined
        ? undefined
        : `Attempt ${failure.attempt} of ${failure.process} failed ${agoText(failure.startedAt, nowMs)}: ${failure.message}`,
    workers: finished
      ? []
      : [
          holder === undefined ? undefined : `${holder.instance} works for it since ${timeText(holder.since)}.`,
          lag === undefined || lag.events === 0 ? undefined : `Its consumer is ${counted(lag.events, 'event')} behind.`,
        ].filter((line) => line !== undefined),
  }
}

function waitText(wait: Wait, state: ExplanationJson['state'], nowMs: number): string {
  switch (wait.kind) {
    case 'step':
      return `It is the turn of ${wait.process}.`
    case 'callback':
      return wait.queued === 0
        ? `It waits for a callback at ${wait.status}.`
        : `${counted(wait.queued, 'callback')} for ${wait.status} came in and will be handled.`
    case 'timer':
      return wait.held
        ? `Its timeout ${wait.name} is held while it is paused.`
        : `Its timeout ${wait.name} is over ${agoText(wait.at, nowMs)}, at ${timeText(wait.at)}.`
    case 'retry':
      return `Attempt ${wait.attempt} of ${wait.process} comes ${agoText(wait.at, nowMs)}, at ${timeText(wait.at)}.`
    case 'children':
      return wait.unfinished === 0
        ? 'All runs that it started have finished: the join takes its turn.'
        : `It waits for ${counted(wait.unfinished, 'run')} that it started.`
    case 'person': {
      const who = wait.pausedBy === 'engine' ? 'The engine' : (wait.actor ?? 'Somebody')
      const next = wait.resumeAt === undefined ? 'A person has to resume or cancel it.' : `It goes on ${agoText(wait.resumeAt, nowMs)}.`
      return `${who} has paused it: ${wait.reason}. ${next}`
    }
    case 'nothing':
      return state === 'Completed' ? 'It is completed and waits for nothing.' : 'It has ended and waits for nothing.'
  }
}
