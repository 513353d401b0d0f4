/** What the tables themselves say after it all. */
import type pg from 'pg'
import { schema } from './scene.ts'

const questions: readonly (readonly [fault: string, sql: string])[] = [
  [
    'has other events than one for each of its versions',
    `SELECT r.run_id FROM "${schema}".record r LEFT JOIN "${schema}".event e ON e.run = r.seq AND e.entry IS NOT NULL
     GROUP BY r.seq HAVING count(*) <> r.version OR count(DISTINCT e.version) <> r.version OR max(e.version) <> r.version`,
  ],
  [
    'has events that are numbered in another order than its versions',
    `SELECT DISTINCT run_id FROM (
       SELECT run_id, id, lag(id) OVER (PARTITION BY run ORDER BY version) AS before FROM "${schema}".event WHERE entry IS NOT NULL
     ) AS e WHERE id < before`,
  ],
  [
    'has ended, and has an open timer',
    `SELECT r.run_id FROM "${schema}".timer t JOIN "${schema}".record r ON r.run_id = t.owner
     WHERE t.status = 'open' AND r.ended <> 0`,
  ],
]

/** Every broken promise in words. */
export async function databaseFaults(client: pg.Client): Promise<readonly string[]> {
  const faults: string[] = []
  for (const [fault, sql] of questions) {
    const { rows } = await client.query<{ readonly run_id: string }>(sql)
    for (const { run_id } of rows) faults.push(`run ${run_id} ${fault}`)
  }
  // Bypassing the indexes must not show anything else.
  const counts = new Set<string>()
  for (const way of ['enable_seqscan', 'enable_indexscan']) {
    await client.query(`SET ${way} = off`)
    const { rows } = await client.query<{ readonly n: string }>(`SELECT count(*) AS n FROM "${schema}".record WHERE run_id > ''`)
    counts.add(rows[0]?.n ?? '')
    await client.query(`RESET ${way}`)
  }
  return counts.size === 1 ? faults : [...faults, `an index counts other runs than the table: ${[...counts].join(', ')}`]
}
