/** Works on a database full of runs, and says when the first step was called and what memory it takes. */
import { setTimeout as sleep } from 'node:timers/promises'
import { approvalsWorkflow } from '../harness/approvals.ts'
import { openDatabase } from '../harness/database.ts'
import { rssMegabytes } from '../harness/meter.ts'
import { heard, say } from './lines.ts'

const [address = ''] = process.argv.slice(2)
const start = performance.now()
const database = openDatabase(address)
let steps = 0
const workflow = approvalsWorkflow(database, () => {
  steps += 1
  if (steps === 1) say({ firstStepMs: performance.now() - start, sinceSpawnMs: performance.now() })
})
await workflow.run()
say({ runningMs: performance.now() - start })
for await (const line of heard()) {
  if (line === 'trigger') await workflow.trigger(`extra-${process.pid}-${steps}`, { initialValue: { id: 'extra' } })
  else if (line === 'rss') {
    await sleep(1_000)
    say({ rssMegabytes: rssMegabytes() })
  }
}
await workflow.stop()
await database.close()
