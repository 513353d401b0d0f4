/** Fills a database with runs that are only triggered, or worked on until each waits for its callback and its timer. */
import { setTimeout as sleep } from 'node:timers/promises'
import { approvals, approvalsWorkflow } from '../harness/approvals.ts'
import { openDatabase } from '../harness/database.ts'
import { heard, say } from './lines.ts'

const batch = 5_000
const lookEveryMs = 500
const [address = '', count = '0', mode = 'triggered'] = process.argv.slice(2)
const database = openDatabase(address)
let stepped = 0
const workflow =
  mode === 'waiting'
    ? approvalsWorkflow(database, () => {
        stepped += 1
      })
    : undefined
await workflow?.run()
const client = approvals.client(database)
for (let from = 0; from < Number(count); from += batch) {
  const size = Math.min(batch, Number(count) - from)
  await Promise.all(Array.from({ length: size }, (_, i) => client.trigger(`run-${from + i}`, { initialValue: { id: String(from + i) } })))
}
if (workflow !== undefined) {
  // The last transitions are still on their way when the last handler has been called.
  const waiting = async (): Promise<number> =>
    (await database.recordStore.count({ workflowName: approvals.name }, 'status')).get('waiting') ?? 0
  while (stepped < Number(count) || (await waiting()) < Number(count)) await sleep(lookEveryMs)
}
say({ filled: Number(count) })
for await (const _line of heard()) continue
await workflow?.stop()
await database.close()
