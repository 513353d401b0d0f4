/** Works off a backlog, and says each second how much of it is done and what memory it takes, until it is told to end. */
import { Completions } from '../harness/completions.ts'
import { openDatabase } from '../harness/database.ts'
import { ordersWorkflow } from '../harness/orders.ts'
import { heard, say } from './lines.ts'

/** What it says each second. */
export interface Drained {
  readonly completed: number
  readonly rssMegabytes: number
  /** Live objects of JavaScript, and what was not collected yet. */
  readonly heapMegabytes: number
  /** On this process's clock, in ms. */
  readonly at: number
}

const everyMs = 1_000
const [address = ''] = process.argv.slice(2)
const database = openDatabase(address)
const completions = new Completions()
const workflow = ordersWorkflow(database, completions)
await workflow.run()
const timer = setInterval(() => {
  const { rss, heapUsed } = process.memoryUsage()
  say({ completed: completions.total, rssMegabytes: rss / 1e6, heapMegabytes: heapUsed / 1e6, at: performance.now() } satisfies Drained)
}, everyMs)
for await (const _line of heard()) continue
clearInterval(timer)
await workflow.stop()
await database.close()
