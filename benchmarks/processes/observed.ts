/** An engine under one instrumentation. Each line asks for a slice: so many runs, a window of them in flight at any time. */
import { memory } from '@workflow/core/memory'
import { openFresh } from '../harness/sqlite-file.ts'
import { observation } from '../harness/observations.ts'
import { meter, type Reading } from '../harness/meter.ts'
import { countedOrders, orderOf } from '../harness/orders.ts'
import { heard, say } from './lines.ts'

export type { Reading }

const [store = '', name = '', window = '0'] = process.argv.slice(2)
await using opened = store === 'sqlite' ? openFresh('NORMAL') : undefined
const { instrumentation, end } = observation(name)
const counter = { handled: 0, onEach: (): void => undefined }
const workflow = countedOrders({ ...(opened?.infrastructure ?? memory()), ...(instrumentation && { instrumentation }) }, counter)
await workflow.run()
say({ ready: true })
let slice = 0
for await (const line of heard()) {
  // Each slice begins alike, whatever was left behind by the one before.
  globalThis.gc?.()
  const elapsed = meter()
  await run(Number(line), `slice-${slice++}`)
  say(elapsed())
}
await workflow.stop()
await end()

/** The last handler of a run starts the next run, so that nothing has to be measured or awaited to know of it. */
async function run(runs: number, prefix: string): Promise<void> {
  const all = Promise.withResolvers<void>()
  const last: Promise<string>[] = []
  const until = counter.handled + runs
  let next = 0
  const start = (): void => {
    if (next >= runs) return
    const i = next++
    const started = workflow.trigger(`${prefix}-${i}`, { initialValue: orderOf(i) })
    if (i >= runs - Number(window)) last.push(started)
    else started.catch(all.reject)
  }
  counter.onEach = () => {
    start()
    if (counter.handled === until) all.resolve()
  }
  for (let i = 0; i < Number(window); i++) start()
  await all.promise
  // Handled, not yet committed.
  await Promise.all((await Promise.all(last)).map((runId) => workflow.awaitCompletion(runId)))
}
