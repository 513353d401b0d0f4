import type { Observed } from '@workflow/core'

type Receivers = Awaited<ReturnType<Observed['receivers']>>

/** What a workflow answers in a test. What is not set is as in a workflow that has nothing to do. */
export interface Answers {
  states?: ReturnType<Observed['states']>
  slots?: ReturnType<Observed['slots']>
  inFlight?: ReturnType<Observed['inFlight']>
  receivers?: () => Promise<Receivers>
  runs?: () => Promise<ReadonlyMap<string, number>>
}

/** A workflow whose answers may be changed while it is attached. */
export function fakeObserved(workflowName: string, answers: Answers = {}): Observed {
  return {
    workflowName,
    states: () => answers.states ?? [],
    slots: () => answers.slots ?? { held: 0, total: 16 },
    inFlight: () => answers.inFlight ?? { events: 0, limit: 1024 },
    receivers: () => answers.receivers?.() ?? Promise.resolve([]),
    runs: () => answers.runs?.() ?? Promise.resolve(new Map()),
  }
}
