/**
 * An engine that others look at. It works on what it is told to trigger: `paced <runs a second> <seconds>`, or
 * `window <seconds>`, and says what that took. With `serve` it serves the web UI itself, too.
 */
import { serveWebUi } from '@workflow/webui'
import { Completions } from '../harness/completions.ts'
import { openDatabase } from '../harness/database.ts'
import { lastingWindow, pacedFor } from '../harness/lasting-loads.ts'
import { meter } from '../harness/meter.ts'
import { ordersWorkflow, stepsPerRun } from '../harness/orders.ts'
import { heard, say } from './lines.ts'

/** What an engine says of a load. */
export interface Worked {
  readonly transitions: number
  readonly wallMs: number
  /** Of this process. */
  readonly cpuMs: number
}

const [address = '', serves] = process.argv.slice(2)
const database = openDatabase(address)
const completions = new Completions()
const workflow = ordersWorkflow(database, completions)
await workflow.run()
const served = serves === 'serve' ? await serveWebUi({ workflows: [workflow], unsafeNoAuth: true, print: false }) : undefined
say({ url: served?.url })
let loads = 0
for await (const line of heard()) {
  const [load, ...numbers] = line.split(' ')
  const [first = 0, second = 0] = numbers.map(Number)
  const asked = { workflow, completions, prefix: `load-${loads++}` }
  const before = completions.total
  const elapsed = meter()
  if (load === 'paced') await pacedFor(asked, first, second)
  else await lastingWindow(asked, first)
  const { wallMs, cpuMs } = elapsed()
  say({ transitions: (completions.total - before) * stepsPerRun, wallMs, cpuMs } satisfies Worked)
}
await served?.close()
await workflow.stop()
await database.close()
