/**
 * What the public types promise: which inferences hold, and which mistakes do not compile. Every `@ts-expect-error` is a
 * promise; a compiler that reports nothing under it reports the unused comment instead.
 */
import {
  after,
  type AnyContract,
  type AnyWorkflow,
  at,
  type CallbackHandler,
  type Commit,
  type Connector,
  type Definition,
  type ObjectOf,
  type Outcome,
  type RecordStore,
  type Run,
  type RunSnapshot,
  type RunTarget,
  type StatusOf,
  type StatusWith,
  type StepHandler,
  type TerminalOf,
  unchecked,
  type Workflow,
  workflow,
} from '@workflow/core'
import { memory, memoryRecordStore } from '@workflow/core/memory'
import { z } from 'zod'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function is<T extends true>(): T

interface Claim {
  id: string
  amount: number
}
interface Verdict {
  granted: boolean
}
interface Letter {
  id: string
  pages: number
}

// Stand-ins for what other packages build on core: a database's transaction, a stream, a panel and a test kit.
interface Sql {
  query(text: string): Promise<readonly unknown[]>
}
declare const sqlRecords: RecordStore<Sql>
declare const kafka: Connector
declare function panel(workflows: readonly AnyWorkflow[]): void
declare function runAt<C extends AnyContract, const S extends StatusOf<C>>(contract: C, status: S, object: ObjectOf<C>): Run<ObjectOf<C>, S>
interface Replacements<C extends AnyContract, Tx> {
  readonly steps?: { readonly [S in StatusWith<C, 'step'>]?: StepHandler<C, S, Tx> }
  readonly callbacks?: { readonly [S in StatusWith<C, 'callback'>]?: CallbackHandler<C, S, Tx> }
}
interface Rehearsal<C extends AnyContract> {
  readonly workflow: Workflow<C>
  expire<const S extends StatusWith<C, 'timeout'>>(target: RunTarget, status: S): Promise<void>
}
declare function rehearse<C extends AnyContract, Tx, Sources extends string>(
  definition: Definition<C, Tx, Sources>,
  instead?: Replacements<C, Tx>,
): Promise<Rehearsal<C>>

const letters = workflow('letter', {
  object: unchecked<Letter>(),
  graph: { posted: { callback: ['received', 'returned'] }, received: {}, returned: {} },
})
const claims = workflow('claim-handling', {
  object: unchecked<Claim>(),
  graph: {
    filed: { step: ['checked', 'refused'] },
    checked: { step: ['in-review', 'notifying'] },
    'in-review': { callback: ['notifying', 'refused'], timeout: ['lapsed', 'in-review'] },
    notifying: { join: ['settled', 'refused'] },
    settled: {},
    refused: {},
    lapsed: {},
  },
  payloads: { 'in-review': unchecked<Verdict>() },
  children: { notifying: letters },
})
const reviewed = claims
  .addCallback('in-review', async (_run, verdict) => (verdict.granted ? 'notifying' : 'refused'))
  .addTimeout('in-review', after('72h'), async () => 'lapsed')
  .addJoin('notifying', async (_run, children) => (children.some(({ status }) => status === 'returned') ? 'refused' : 'settled'))
const filing = claims.addStep('filed', async () => 'checked')
const unchecking = reviewed.addStep('filed', async () => 'checked')
const whole = unchecking.addStep('checked', async () => 'notifying')
const wf = whole.build(memory())
const file: StepHandler<typeof claims, 'filed'> = async (run) => (run.object.amount > 0 ? 'checked' : run.skip())
const notes = workflow('note', { object: unchecked<{ n: number }>(), graph: { checked: { step: ['notifying'] }, notifying: {} } })
const note: StepHandler<typeof notes, 'checked'> = async (run) => {
  run.object.n = 1
  return 'notifying'
}

// A contract knows its name, its statuses, its ends and its object.
is<Equal<typeof claims.name, 'claim-handling'>>()
is<Equal<StatusOf<typeof claims>, 'filed' | 'checked' | 'in-review' | 'notifying' | 'settled' | 'refused' | 'lapsed'>>()
is<Equal<TerminalOf<typeof claims>, 'settled' | 'refused' | 'lapsed'>>()
is<Equal<ObjectOf<typeof claims>, Claim>>()

// Handlers: literals need no annotation, arguments are those of the status.
claims.addStep('filed', async (run) => {
  is<Equal<typeof run, Run<Claim, 'filed'>>>()
  return 'checked'
})
claims.addStep('filed', async () => 'refused')
claims.addStep('filed', async (run) => run.pause('look at it'))
claims.addStep('filed', async (run) => {
  if (run.attempt > 3) return run.cancel('hopeless')
  return run.object.amount > 0 ? 'checked' : 'refused'
})
claims.addStep('filed', async () => {
  throw new Error('boom')
})
claims.addCallback('in-review', async (_run, payload) => {
  is<Equal<typeof payload, Verdict>>()
  return 'refused'
})
claims.addTimeout(
  'in-review',
  async (run) => (run.object.amount > 5 ? at(new Date()) : undefined),
  async () => 'lapsed',
)
claims.addJoin('notifying', async (_run, children) => {
  is<Equal<typeof children, readonly RunSnapshot<Letter, 'received' | 'returned'>[]>>()
  return 'settled'
})
is<Equal<Awaited<ReturnType<typeof file>>, 'checked' | 'refused' | Outcome>>()
claims
  .addStep('filed', file)
  .transactional<Sql>()
  .addStep('checked', async () => 'notifying')
claims.transactional<Sql>().addStep('filed', file)
claims.transactional<Sql>().addStep('filed', async (run) => {
  const commit = run.commit('checked', async (tx) => {
    is<Equal<typeof tx, Sql>>()
  })
  is<Equal<typeof commit, Commit<'checked'>>>()
  return commit
})

// Parts join in any order; a definition builds on whatever has what it needs.
claims
  .include(reviewed)
  .include(filing)
  .addStep('checked', async () => 'notifying')
  .build(memory())
claims
  .transactional<Sql>()
  .include(whole)
  .build({ ...memory(), recordStore: sqlRecords })
claims
  .transactional<Sql>()
  .include(whole)
  .build({ ...memory(), recordStore: memoryRecordStore<Sql>() })
const watched = whole.addConnector('police', z.object({ id: z.string(), ok: z.stringbool() }), async (event, api) => {
  is<Equal<typeof event.data, { id: string; ok: boolean }>>()
  await api.callback({ foreignId: event.data.id }, 'in-review', { granted: event.data.ok })
})
watched.build({ ...memory(), connectors: { police: kafka } })

// Clients: what comes back is as narrow as what was asked for.
const done = await wf.awaitCompletion('r')
is<Equal<typeof done, RunSnapshot<Claim, 'settled' | 'refused' | 'lapsed'>>>()
const seen = await wf.await('r', ['checked', 'refused'])
is<Equal<typeof seen.status, 'checked' | 'refused'>>()
const found = await wf.lookup('r')
if (found !== undefined && found.state !== 'DataDeleted') is<Equal<typeof found.object, Claim>>()

// Everything can be typed from outside core.
const list: readonly AnyWorkflow[] = [wf, letters.client(memory())]
panel(list)
await file(runAt(claims, 'filed', { id: 'c', amount: 1 }))
const rehearsal = await rehearse(whole, { steps: { checked: async () => 'in-review' } })
await rehearsal.expire({ runId: 'r' }, 'in-review')
await rehearse(watched)

// Mistakes in a contract.
workflow('w', {
  object: unchecked<Claim>(),
  graph: {
    // @ts-expect-error this destination is not in the graph
    a: { step: ['bb'] },
    b: {},
  },
})
  .addStep('a', async () => 'b')
  .build(memory())
// @ts-expect-error nothing of this name makes a run leave
workflow('w', { object: unchecked<Claim>(), graph: { a: { stepp: ['b'] }, b: {} } })
// @ts-expect-error an exit needs a destination
workflow('w', { object: unchecked<Claim>(), graph: { a: { step: [] }, b: {} } })
// @ts-expect-error only callbacks carry payloads
workflow('w', { object: unchecked<Claim>(), graph: { a: { step: ['b'] }, b: {} }, payloads: { a: unchecked<Verdict>() } })
// @ts-expect-error only joins have children
workflow('w', { object: unchecked<Claim>(), graph: { a: { step: ['b'] }, b: {} }, children: { a: letters } })
// @ts-expect-error a Date would come back as text
workflow('w', { object: unchecked<{ at: Date }>(), graph: { a: {} } })
// @ts-expect-error this schema refuses its own result
workflow('w', { object: z.object({ n: z.string().transform(Number) }), graph: { a: {} } })

// Mistakes in what a handler returns.
// @ts-expect-error the graph has no such transition
reviewed.addStep('filed', async () => 'settled')
// @ts-expect-error one of two results is no transition
reviewed.addStep('filed', async (run) => {
  if (run.object.amount > 10) return 'checked'
  return 'lapsed'
})
// @ts-expect-error the callback may go there, the timeout may not
claims.addTimeout('in-review', after('1h'), async () => 'refused')
// @ts-expect-error one path returns nothing
unchecking.addStep('checked', async (run) => {
  if (run.object.amount > 1) return 'notifying'
})
// @ts-expect-error the outcome was made and dropped
unchecking.addStep('checked', async (run) => {
  run.pause('look at it')
})
// @ts-expect-error handlers are async
unchecking.addStep('checked', () => 'notifying')
// @ts-expect-error commits need a transactional builder
unchecking.addStep('checked', async (run) => run.commit('notifying', async () => {}))
// @ts-expect-error a commit is a transition, too
reviewed.transactional<Sql>().addStep('checked', async (run) => run.commit('lapsed', async () => {}))

// Mistakes in where and what handlers are.
// @ts-expect-error one step for each status
unchecking.addStep('filed', async () => 'checked')
// @ts-expect-error a misspelt status
unchecking.addStep('cheked', async () => 'notifying')
// @ts-expect-error the status waits for a callback
unchecking.addStep('in-review', async () => 'notifying')
// @ts-expect-error the status waits for no callback
unchecking.addCallback('checked', async () => 'notifying')
// @ts-expect-error the status has no timeout
unchecking.addTimeout('checked', after('1h'), async () => 'notifying')
// @ts-expect-error the status waits for no children
unchecking.addJoin('checked', async () => 'notifying')
// @ts-expect-error the children are joined already
unchecking.addJoin('notifying', async () => 'settled')
unchecking.addStep('checked', async (run) => {
  // @ts-expect-error a misspelt field of the object
  run.object.amont = 1
  return 'notifying'
})
// @ts-expect-error a misspelt field of the payload
claims.addCallback('in-review', async (_run, payload) => (payload.grantd ? 'notifying' : 'refused'))
// @ts-expect-error made for another status
unchecking.addStep('checked', file)
// @ts-expect-error made for another workflow
unchecking.addStep('checked', note)
// @ts-expect-error a misspelt option
unchecking.addStep('checked', async () => 'notifying', { paralelCount: 4 })
unchecking.addStep('checked', async (run) => {
  // @ts-expect-error a child needs an object of its own type
  run.startChild(letters, 'l', { initialValue: { id: 'l' } })
  return 'notifying'
})
// @ts-expect-error one handler for each connector
watched.addConnector('police', unchecked<Verdict>(), async () => {})
// @ts-expect-error both parts have this step
unchecking.include(filing)
// @ts-expect-error the part belongs to another contract
claims.include(notes.addStep('checked', async () => 'notifying'))
// @ts-expect-error durations are written like '1h'
after('1 hour')

// A misspelt status is one mistake: the rest of the chain is checked as if it had been right.
claims
  // @ts-expect-error a misspelt status
  .addStep('fild', async () => 'checked')
  .addStep('checked', async (run) => {
    is<Equal<typeof run, Run<Claim, 'checked'>>>()
    return 'notifying'
  })
  .addStep('filed', async () => 'refused')

// Mistakes when building.
// @ts-expect-error a status lacks its handler
unchecking.build(memory())
// @ts-expect-error nor is it a definition yet
await rehearse(unchecking)
const { timeoutStore: _none, ...untimed } = memory()
// @ts-expect-error the graph has timeouts, the infrastructure has not
whole.build(untimed)
// @ts-expect-error a connector lacks its stream
watched.build(memory())
// @ts-expect-error connectors, but not this one
watched.build({ ...memory(), connectors: { polizei: kafka } })
// @ts-expect-error the store has no such transaction
claims.transactional<Sql>().include(whole).build(memory())

// Mistakes of callers.
// @ts-expect-error the object lacks a field
await wf.trigger('f', { initialValue: { id: 'x' } })
// @ts-expect-error the object is missing
await wf.trigger('f', {})
// @ts-expect-error a run cannot start where it ends
await wf.trigger('f', { initialValue: { id: 'x', amount: 1 }, startAt: 'settled' })
// @ts-expect-error no run ever gets there
await wf.await('r', 'cheked')
// @ts-expect-error nobody waits for a callback there
await wf.callback({ runId: 'r' }, 'checked', { granted: true })
// @ts-expect-error the payload is another
await wf.callback({ runId: 'r' }, 'in-review', { grantd: true })
// @ts-expect-error the payload is missing
await wf.callback({ runId: 'r' }, 'in-review')
// @ts-expect-error which kind of id is it?
await wf.callback('r', 'in-review', { granted: true })
// @ts-expect-error one kind of id, not both
await wf.callback({ runId: 'r', foreignId: 'f' }, 'in-review', { granted: true })
// @ts-expect-error cron has five fields
await wf.schedule('f', '* * * *', { initialValue: { id: 'x', amount: 1 } })
// @ts-expect-error who pauses it, and why?
await wf.pause('r')
// @ts-expect-error the object may have been deleted
if (found !== undefined) found.object.amount
// @ts-expect-error snapshots do not change
done.status = 'settled'

// Mistakes of what is built on core.
// @ts-expect-error a contract does not run
panel([claims])
// @ts-expect-error a workflow of another contract
const wrong: Workflow<typeof notes> = wf
// @ts-expect-error the replacement goes where the graph does not
await rehearse(whole, { steps: { checked: async () => 'lapsed' } })
// @ts-expect-error nothing expires there
await rehearsal.expire({ runId: 'r' }, 'checked')
// @ts-expect-error the object lacks a field
runAt(claims, 'filed', { id: 'c' })

void wrong
void _none
