/** Compares what was committed with what lies on the broker. */
import type pg from 'pg'
import { schema } from '../../packages/postgres/test/crash/scene.ts'
import type { SentEvent } from './sent-events.ts'

export interface StreamAudit {
  readonly faults: readonly string[]
  readonly committed: number
  /** Deliveries to a topic beyond the first of the same event: what was sent again. */
  readonly again: number
}

/** A committed transition, and in how many topics its event belongs. */
export interface Committed {
  readonly runId: string
  readonly version: number
  readonly topics: number
}

export async function committedOf(client: pg.Client): Promise<readonly Committed[]> {
  const { rows } = await client.query<Committed>(
    `SELECT e.run_id AS "runId", e.version::int AS version, json_array_length(s.topics::json) AS topics
     FROM "${schema}".event e JOIN "${schema}".shape s ON s.id = e.shape WHERE e.entry IS NOT NULL`,
  )
  return rows
}

/** Every committed transition is in each of its topics, and within a topic the first of each version of a run come in their order. */
export function streamAudit(committed: readonly Committed[], sent: readonly SentEvent[]): StreamAudit {
  const faults: string[] = []
  const newest = new Map<string, number>()
  const topics = new Map<string, Set<string>>()
  let again = 0
  for (const { topic, runId, version, kind } of sent) {
    if (kind !== 'transition') continue
    const place = `${runId}/${version}`
    const its = topics.get(place) ?? new Set()
    topics.set(place, its)
    if (its.has(topic)) {
      again++
      continue
    }
    its.add(topic)
    const lane = `${topic} ${runId}`
    const before = newest.get(lane) ?? 0
    if (version < before) faults.push(`version ${version} of run ${runId} came to ${topic} for the first time after version ${before}`)
    newest.set(lane, Math.max(before, version))
  }
  for (const { runId, version, topics: wanted } of committed) {
    const got = topics.get(`${runId}/${version}`)?.size ?? 0
    if (got !== wanted) faults.push(`version ${version} of run ${runId} is in ${got} topics of ${wanted}`)
  }
  return { faults, committed: committed.length, again }
}
