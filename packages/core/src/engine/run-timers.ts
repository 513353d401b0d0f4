import type { Page, PageOptions } from '../model/run-query.ts'
import type { StoredTimer } from '../model/timer.ts'
import type { TimerQuery } from '../ports/timeout-store.ts'
import type { RunTimer } from '../run-timers.ts'
import type { EngineContext } from './engine-context.ts'
import { openingName } from './opening-timer.ts'

/** The timers of a run as users see them. */
export async function runTimersOf(
  ctx: EngineContext,
  runId: string,
  query: Pick<TimerQuery, 'status'>,
  asked: PageOptions,
): Promise<Page<RunTimer>> {
  const page = await ctx.store.timers.list({ ...query, workflowName: ctx.contract.name, owner: runId }, asked)
  return { items: page.items.flatMap((timer) => runTimerOf(timer)), ...(page.next === undefined ? undefined : { next: page.next }) }
}

function runTimerOf({ key, at, held, status, attempt }: StoredTimer): readonly RunTimer[] {
  const { kind, name, epoch: version } = key
  // A schedule's name may look like a run id; the opening of timers is the engine's own affair.
  if (kind === 'schedule' || name === openingName) return []
  const state = status === 'open' ? (held ? 'held' : 'open') : status === 'completed' ? 'fired' : 'cancelled'
  return [{ kind, name, version, at, state, attempt }]
}
