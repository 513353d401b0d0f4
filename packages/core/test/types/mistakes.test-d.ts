/** One mistake after another, as users make them. What the compiler says of each is recorded in `messages.snap.txt`. */
import {
  after,
  type AnyWorkflow,
  type Definition,
  type AnyContract,
  type RecordStore,
  type StepHandler,
  unchecked,
  workflow,
} from '@workflow/core'
import { memory } from '@workflow/core/memory'

interface Claim {
  id: string
  amount: number
}
interface Verdict {
  granted: boolean
}
interface Sql {
  query(text: string): Promise<readonly unknown[]>
}
declare const sqlRecords: RecordStore<Sql>
declare function panel(workflows: readonly AnyWorkflow[]): void
declare function rehearse<C extends AnyContract, Tx, Sources extends string>(definition: Definition<C, Tx, Sources>): void
declare function refuse(): Promise<string>
const claims = workflow('claim-handling', {
  object: unchecked<Claim>(),
  graph: {
    filed: { step: ['checked', 'refused'] },
    checked: { step: ['in-review', 'settled'] },
    'in-review': { callback: ['settled', 'refused'], timeout: ['lapsed'] },
    settled: {},
    refused: {},
    lapsed: {},
  },
  payloads: { 'in-review': unchecked<Verdict>() },
})
const reviewed = claims
  .addCallback('in-review', async (_run, verdict) => (verdict.granted ? 'settled' : 'refused'))
  .addTimeout('in-review', after('72h'), async () => 'lapsed')
const unchecking = reviewed.addStep('filed', async () => 'checked')
const whole = unchecking.addStep('checked', async () => 'settled')
const wf = whole.build(memory())
const file: StepHandler<typeof claims, 'filed'> = async () => 'checked'
const notes = workflow('note', { object: unchecked<{ n: number }>(), graph: { a: { step: ['b'] }, b: {} } })
const note: StepHandler<typeof notes, 'a'> = async () => 'b'

// #01 a destination that the graph has not
reviewed.addStep('filed', async () => 'settled')
// #02 the same among several returns
reviewed.addStep('filed', async (run) => {
  if (run.object.amount > 10) return 'checked'
  return 'lapsed'
})
// #03 a misspelt destination in the graph
workflow('w', { object: unchecked<Claim>(), graph: { filed: { step: ['checked', 'refusd'] }, checked: {}, refused: {} } })
// #04 a second step for a status
unchecking.addStep('filed', async () => 'checked')
// #05 a misspelt status
unchecking.addStep('cheked', async () => 'settled')
// #06 a step where the run waits for a callback
unchecking.addStep('in-review', async () => 'settled')
// #07 a step is missing
unchecking.build(memory())
// #08 a path without a return
unchecking.addStep('checked', async (run) => {
  if (run.object.amount > 1) return 'settled'
})
// #09 an outcome that is not returned
unchecking.addStep('checked', async (run) => {
  run.pause('look at it')
})
// #10 a handler that is not async
unchecking.addStep('checked', () => 'settled')
// #11 a function of its own, without a type
unchecking.addStep('checked', refuse)
// #12 a callback where none is waited for
await wf.callback({ runId: 'r' }, 'checked', { granted: true })
// #13 a wrong payload
await wf.callback({ runId: 'r' }, 'in-review', { grantd: true })
// #14 no payload
await wf.callback({ runId: 'r' }, 'in-review')
// #15 waiting for a misspelt status
await wf.await('r', 'cheked')
// #16 a wrong initial value
await wf.trigger('f', { initialValue: { id: 'x' } })
// #17 starting at an end
await wf.trigger('f', { initialValue: { id: 'x', amount: 1 }, startAt: 'settled' })
// #18 a misspelt option
unchecking.addStep('checked', async () => 'settled', { paralelCount: 4 })
// #19 a duration that is none
after('1 hour')
// #20 timeouts without a timeout store
const { timeoutStore: _none, ...untimed } = memory()
whole.build(untimed)
// #21 a connector without its stream
whole.addConnector('police', unchecked<Verdict>(), async () => {}).build(memory())
// #22 a store without the transaction
claims.transactional<Sql>().include(whole).build(memory())
// #23 a commit in a step that is not transactional
unchecking.addStep('checked', async (run) => run.commit('settled', async () => {}))
// #24 a commit to a destination that the graph has not
reviewed.transactional<Sql>().addStep('checked', async (run) => run.commit('lapsed', async () => {}))
// #25 an object with a Date and no schema
workflow('w', { object: unchecked<{ id: string; at: Date }>(), graph: { a: {} } })
// #26 a payload where no callback leaves
workflow('w', { object: unchecked<Claim>(), graph: { a: { step: ['b'] }, b: {} }, payloads: { a: unchecked<Verdict>() } })
// #27 a handler for another status
unchecking.addStep('checked', file)
// #28 a handler for another workflow
unchecking.addStep('checked', note)
// #29 two parts with the same handlers
whole.include(unchecking)
// #30 an incomplete definition
rehearse(unchecking)
// #31 a cron of four fields
await wf.schedule('f', '* * * *', { initialValue: { id: 'x', amount: 1 } })
// #32 both kinds of id
await wf.callback({ runId: 'r', foreignId: 'f' }, 'in-review', { granted: true })
// #33 a misspelt field of the object
unchecking.addStep('checked', async (run) => (run.object.amont > 1 ? 'settled' : 'in-review'))
// #34 a contract where a workflow is needed
panel([claims])
// #35 a join that does not say whose runs it waits for
workflow('w', { object: unchecked<Claim>(), graph: { a: { join: ['b'] }, b: {} } })
// #36 one of two joins that does not
workflow('w', { object: unchecked<Claim>(), graph: { a: { join: ['c'] }, c: { join: ['b'] }, b: {} }, children: { a: claims } })

void [_none, sqlRecords]
