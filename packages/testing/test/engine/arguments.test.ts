/** What plain JavaScript can pass to the calls of a client: each wrong argument is refused by name, before anything happens. */
import { isWorkflowError, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { World } from './world.ts'

const notes = workflow('notes', {
  object: unchecked<{ id: string }>(),
  graph: { open: { callback: ['done'] }, done: {} },
  payloads: { open: unchecked<string>() },
})

/** The calls as JavaScript sees them. */
type Loose = {
  readonly [Name in 'await' | 'awaitCompletion' | 'callback' | 'list' | 'history' | 'retry' | 'trigger' | 'schedule']: (
    ...given: unknown[]
  ) => Promise<unknown>
}

const long = 'x'.repeat(100_000)
const unprintable = {
  toString: (): never => {
    throw new Error('no')
  },
  toJSON: (): never => {
    throw new Error('no')
  },
}

test.for<[string, (client: Loose, runId: string, wrong: unknown) => Promise<unknown>, readonly unknown[]]>([
  ["await's statuses", (client, runId, wrong) => client.await(runId, wrong), [undefined, null, 5, {}, [5n], [unprintable], long]],
  ["await's options", (client, runId, wrong) => client.await(runId, 'done', wrong), [null, 5]],
  ["await's signal", (client, runId, wrong) => client.await(runId, 'done', { signal: wrong }), [null, 5, {}]],
  ["await's timeout", (client, runId, wrong) => client.await(runId, 'done', { timeout: wrong }), [null, 5n, unprintable, long]],
  ["awaitCompletion's options", (client, runId, wrong) => client.awaitCompletion(runId, wrong), [null, 5]],
  ["callback's status", (client, runId, wrong) => client.callback({ runId }, wrong, 'x'), [undefined, 5n, unprintable, long]],
  ["callback's options", (client, runId, wrong) => client.callback({ runId }, 'open', 'x', wrong), [null, 5]],
  ["list's query", (client, _, wrong) => client.list(wrong), [null, 5]],
  ["list's status", (client, _, wrong) => client.list({ status: wrong }), [null, 5, {}, [unprintable], long]],
  ["list's state", (client, _, wrong) => client.list({ state: wrong }), [null, 5, {}, ['Bogus'], [unprintable]]],
  ["list's foreignId", (client, _, wrong) => client.list({ foreignId: wrong }), [null, 5, true, {}, [], '']],
  ["list's metadata", (client, _, wrong) => client.list({ metadata: wrong }), [null, 5, [], { a: 5 }, { a: null }]],
  ["list's order", (client, _, wrong) => client.list({ order: wrong }), [null, 'up', unprintable]],
  ["list's cursor", (client, _, wrong) => client.list({ cursor: wrong }), [null, 5, 'x', unprintable]],
  ["list's limit", (client, _, wrong) => client.list({ limit: wrong }), [null, 0, 1.5, unprintable]],
  ["history's query", (client, runId, wrong) => client.history(runId, wrong), [null, 5]],
  ["retry's options", (client, runId, wrong) => client.retry(runId, wrong), [null, 5]],
  [
    "trigger's startAt",
    (client, _, wrong) => client.trigger('b', { initialValue: { id: 'b' }, startAt: wrong }),
    [null, Symbol('s'), unprintable, long],
  ],
  [
    "schedule's timezone",
    (client, _, wrong) => client.schedule('s', '@daily', { initialValue: { id: 's' }, timezone: wrong }),
    [5, Symbol('s'), unprintable, long],
  ],
])('%s', async ([, call, wrongs]) => {
  await using world = new World()
  const made = notes.client(world.ports())
  // The cast takes away what the compiler would refuse.
  const client = made as unknown as Loose
  const runId = await made.trigger('a', { initialValue: { id: 'a' } })
  for (const wrong of wrongs) {
    const error = await world.within(call(client, runId, wrong)).then(
      () => new Error('it was accepted'),
      (refusal: unknown) => refusal,
    )
    expect(isWorkflowError(error, 'InvalidArgument'), String(error).slice(0, 300)).toBe(true)
    expect(String(error).length).toBeLessThan(1_000)
  }
  expect(await made.lookup(runId)).toMatchObject({ status: 'open', version: 1 })
  await made.close()
})
