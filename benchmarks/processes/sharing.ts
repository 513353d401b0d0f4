/** One of several processes on one file: starts its runs when it is told to, and works on everybody's. */
import { sqlite } from '@workflow/sqlite'
import { Completions } from '../harness/completions.ts'
import { orderOf, ordersWorkflow } from '../harness/orders.ts'
import { heard, say } from './lines.ts'

const [file = '', prefix = '', count = '0'] = process.argv.slice(2)
const database = sqlite({ file })
const completions = new Completions()
const workflow = ordersWorkflow(database, completions)
await workflow.run()
say({ ready: true })
for await (const line of heard()) {
  if (line === 'count') say({ completed: completions.total })
  else if (line === 'start') {
    await Promise.all(Array.from({ length: Number(count) }, (_, i) => workflow.trigger(`${prefix}-${i}`, { initialValue: orderOf(i) })))
    say({ triggered: Number(count) })
  }
}
await workflow.stop()
await database.close()
