/** What may not be left when all work is done and every worker has gone. */
import { roleOf } from '@workflow/core/adapter'
import type pg from 'pg'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CrashPorts } from '../../packages/testing/test/crash/crash-target.ts'
import { databaseFaults } from '../../packages/postgres/test/crash/database-faults.ts'
import { schema } from '../../packages/postgres/test/crash/scene.ts'
import { newestEvent } from './moves.ts'

/** The engine's default. */
export const slots = 16
const outboxMs = 1_000
const quietMs = 500
const lookEveryMs = 100

/** Waits until no receiver is behind and nothing has been committed for a while. Answers what is left after `withinMs`. */
export async function settled(ports: CrashPorts, workflowName: string, client: pg.Client, withinMs: number): Promise<readonly string[]> {
  const until = performance.now() + withinMs
  let [newest, since] = ['', performance.now()]
  for (;;) {
    const found = await newestEvent(client)
    if (found !== newest) [newest, since] = [found, performance.now()]
    const behind = (await ports.eventStreamer.receivers(workflowName)).filter(({ lag }) => lag > 0)
    if (behind.length === 0 && performance.now() - since > quietMs) return []
    if (performance.now() > until)
      return behind.length === 0
        ? ['transitions are still committed although every run has ended']
        : behind.map(({ name, lag }) => `receiver ${name} is ${lag} events behind although every run has ended`)
    await sleep(lookEveryMs)
  }
}

/** Takes every role and looks into the outbox. Every worker must have gone. */
export async function outboxFaults(ports: CrashPorts, workflowName: string): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(30_000)
  const leases = await Promise.all(
    Array.from({ length: slots }, (_, slot) => ports.roleScheduler.awaitRole(roleOf(workflowName, slot), { signal, generation: 0 })),
  )
  const claims = leases.map(({ fence }, slot) => ({ slot, fence }))
  const receiver = await ports.recordStore.outbox.newReceiver({ workflowName, claims })
  try {
    const left = await receiver.receive({ max: 1_000, signal: AbortSignal.timeout(outboxMs) })
    return left.map(({ event: { runId, version, kind } }) => `the outbox still has version ${version} of run ${runId} (${kind})`)
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') return []
    throw error
  } finally {
    await receiver[Symbol.asyncDispose]()
    await Promise.all(leases.map((lease) => lease.release()))
  }
}

/** What the tables say: gaps, open timers of ended runs, and two runs of a foreign id that were unfinished at one time. */
export async function tableFaults(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ readonly foreign_id: string }>(
    `SELECT DISTINCT foreign_id FROM (
       SELECT foreign_id, began, lag(ended) OVER (PARTITION BY foreign_id ORDER BY began) AS before FROM (
         SELECT foreign_id, run_id, min(pg_xact_commit_timestamp(xmin)) AS began, max(pg_xact_commit_timestamp(xmin)) AS ended
         FROM "${schema}".event WHERE entry IS NOT NULL GROUP BY foreign_id, run_id
       ) AS lives
     ) AS pairs WHERE before > began`,
  )
  return [...(await databaseFaults(client)), ...rows.map(({ foreign_id: id }) => `${id} had two unfinished runs at one time`)]
}

/** The slots of roles. */
export function slotsOf(roles: Iterable<string>): readonly number[] {
  return [...roles].map((role) => Number(role.slice(role.lastIndexOf('/') + 1)))
}
