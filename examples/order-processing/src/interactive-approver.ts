/** Lets the person at the keyboard decide about large orders, one key each. */
import { setTimeout as sleep } from 'node:timers/promises'
import { allRuns, type OrderClient, type OrderRun } from './all-runs.ts'
import { totalCentsOf } from './order.ts'
import { unlessTooLate } from './simulated-people.ts'
import { money, printable, type View } from './view.ts'

export interface InteractiveApproverOptions {
  readonly client: OrderClient
  /** Single keys, as they are pressed. */
  readonly keys: AsyncIterator<string>
  readonly view: Pick<View, 'ask' | 'note'>
  /** Who decides, for the history. */
  readonly actor: string
  readonly signal: AbortSignal
}

const lookMs = 250

/** Asks about each order that waits, until aborted or out of keys: y approves, n rejects, a approves this and all others. */
export async function approveInteractively({ client, keys, view, actor, signal }: InteractiveApproverOptions): Promise<void> {
  // The worker handles an answer in its own time: until then the order still waits, and must not be asked about again.
  const answered = new Set<string>()
  let all = false
  while (!signal.aborted) {
    for await (const run of allRuns(client, { status: 'awaiting-approval', state: 'Running' })) {
      if (signal.aborted) return
      if (answered.has(run.runId)) continue
      const answer = all ? 'y' : await answerTo(run, view, keys)
      if (answer === undefined) return
      if (answer === 'a') all = true
      answered.add(run.runId)
      const approved = answer !== 'n'
      const inTime = await unlessTooLate(
        client.callback({ runId: run.runId }, 'awaiting-approval', { approved, by: actor }, { key: 'person' }),
      )
      if (!all) view.note(`  ${printable(run.foreignId)} ${inTime ? (approved ? 'approved' : 'rejected') : 'was decided meanwhile'}`)
    }
    await sleep(lookMs, undefined, { signal }).catch(() => undefined)
  }
}

async function answerTo(
  run: OrderRun,
  view: InteractiveApproverOptions['view'],
  keys: AsyncIterator<string>,
): Promise<'y' | 'n' | 'a' | undefined> {
  view.ask(`${printable(`${run.foreignId}, ${run.object.customer}`)}, ${money(totalCentsOf(run.object))}: approve?  y yes  n no  a all`)
  try {
    for (;;) {
      const { done, value } = await keys.next()
      if (done === true) return undefined
      const key = value.toLowerCase()
      if (key === 'y' || key === 'n' || key === 'a') return key
    }
  } finally {
    view.ask(undefined)
  }
}
