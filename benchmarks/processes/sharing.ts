/**
 * One of several processes on one database. Told to start, it triggers its share of a window of runs, and then one for each
 * run that completes here, until it is told to hold; it works on everybody's.
 */
import { openDatabase } from '../harness/database.ts'
import { orderOf, orders } from '../harness/orders.ts'
import { Completions } from '../harness/completions.ts'
import { heard, say } from './lines.ts'

/** What a process says when it is asked to count. */
export interface Counted {
  /** Asked for: some may not be stored yet. */
  readonly triggered: number
  readonly completed: number
  /** Calls of handlers. */
  readonly calls: number
  /** Processor time since it was started, in ms. */
  readonly cpuMs: number
}

const [address = '', prefix = '', window = '0'] = process.argv.slice(2)
const database = openDatabase(address)
const completions = new Completions()
let calls = 0
let triggered = 0
let holds = true
const step = <To extends string>(to: To) => {
  return async (run: { readonly object: { handled: number } }): Promise<To> => {
    calls += 1
    run.object.handled += 1
    return to
  }
}
const workflow = orders
  .addStep('placed', step('paid'))
  .addStep('paid', step('packed'))
  .addStep('packed', step('shipped'))
  .build({ ...database, instrumentation: completions })
const begin = (): void => {
  if (holds) return
  const i = triggered++
  workflow.trigger(`${prefix}-${i}`, { initialValue: orderOf(i) }).catch((error: unknown) => {
    process.stderr.write(`a run could not be triggered: ${String(error)}\n`)
    process.exit(1)
  })
}
completions.onEach = begin
await workflow.run()
say({ ready: true })
for await (const line of heard()) {
  if (line === 'start') {
    holds = false
    for (let i = 0; i < Number(window); i++) begin()
  } else if (line === 'hold') holds = true
  const { user, system } = process.cpuUsage()
  if (line === 'count') say({ triggered, completed: completions.total, calls, cpuMs: (user + system) / 1_000 } satisfies Counted)
}
await workflow.stop()
await database.close()
