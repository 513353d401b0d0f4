/** What is left in the middle while a lease is doubtful for a moment, and then valid again. */
import { unchecked, workflow } from '@workflow/core'
import type { RoleScheduler } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { memoryConnector } from '../../src/memory-connector.ts'
import { gate, World } from './world.ts'

const thing = { object: unchecked<{ n: number }>() }

/** Leases that are not valid while `doubtful` says so, and are never lost for it; `losses` are those that a test wants to lose. */
function doubting(scheduler: RoleScheduler, doubtful: () => boolean, losses: AbortController[] = []): RoleScheduler {
  return {
    ...scheduler,
    awaitRole: async (role, options) => {
      const lease = await scheduler.awaitRole(role, options)
      const loss = new AbortController()
      losses.push(loss)
      return {
        fence: lease.fence,
        unclean: lease.unclean,
        yield: lease.yield,
        signal: AbortSignal.any([lease.signal, loss.signal]),
        isValid: () => !doubtful() && lease.isValid(),
        release: () => lease.release(),
        [Symbol.asyncDispose]: () => Promise.resolve(lease[Symbol.asyncDispose]()),
      }
    },
  }
}

test('a hook whose event came while the lease was doubtful is called all the same', async () => {
  await using world = new World()
  const simple = workflow('simple', { ...thing, graph: { a: { step: ['b'] }, b: {} } })
  let doubtful = false
  const hooked: string[] = []
  const wf = await world.start((ports) =>
    simple
      .addStep('a', async () => 'b')
      .onCancel(async (run) => {
        hooked.push(run.foreignId)
      })
      .build({ ...ports, roleScheduler: doubting(ports.roleScheduler, () => doubtful) }),
  )
  // At a step that nobody has reached yet: what happens to the hook is not hidden by what happens to the run.
  doubtful = true
  const runId = await simple.client(world.ports('c')).trigger('x', { initialValue: { n: 1 } })
  await simple.client(world.ports('d')).cancel(runId, { reason: 'r', actor: 'a' })
  await world.turns(2)
  doubtful = false
  void wf
  await world.pass(3_600_000)
  expect(hooked).toEqual(['x'])
})

test('an event of a connector that came while the lease was doubtful is handled all the same', async () => {
  await using world = new World()
  const simple = workflow('simple', { ...thing, graph: { a: { step: ['b'] }, b: {} } })
  const events = memoryConnector({ clock: world.clock })
  let doubtful = false
  const seen: string[] = []
  const wf = await world.start((ports) =>
    simple
      .addStep('a', async () => 'b')
      .addConnector('in', unchecked<string>(), async ({ data }) => {
        seen.push(data)
      })
      .build({ ...ports, connectors: { in: events }, roleScheduler: doubting(ports.roleScheduler, () => doubtful) }),
  )
  await world.until(() => wf.states().some((each) => each.name === 'connector in' && each.state === 'running'))
  await world.turns()
  doubtful = true
  await events.publish([{ key: 'k', value: 'first' }])
  await world.turns(2)
  doubtful = false
  await world.pass(3_600_000)
  expect(seen).toEqual(['first'])
})

test.each(['fails', 'waits for its turn', 'waits for its retry'])(
  'a run whose step %s while the lease is doubtful is not forgotten',
  async (what) => {
    await using world = new World()
    const simple = workflow('simple', { ...thing, graph: { a: { step: ['b'] }, b: {} } })
    let doubtful = false
    const first = gate()
    const calls: string[] = []
    const wf = await world.start((ports) =>
      simple
        .addStep(
          'a',
          async (run) => {
            calls.push(run.foreignId)
            if (run.foreignId === 'x' && calls.length === 1) {
              await first.promise
              if (what !== 'waits for its turn') throw new Error('no')
            }
            return 'b'
          },
          { errBackOff: '1s' },
        )
        .build({ ...ports, slots: 1, roleScheduler: doubting(ports.roleScheduler, () => doubtful) }),
    )
    // From another process: here there is only the event.
    const client = simple.client(world.ports('c', { slots: 1 }))
    const x = await client.trigger('x', { initialValue: { n: 1 } })
    const y = what === 'waits for its turn' ? await client.trigger('y', { initialValue: { n: 1 } }) : x
    await world.turns()
    if (what !== 'waits for its retry') doubtful = true
    first.resolve()
    await world.turns()
    doubtful = true
    await world.pass(what === 'waits for its retry' ? 1_100 : 100)
    doubtful = false
    await world.pass(3_600_000)
    expect(await wf.lookup(x)).toMatchObject({ status: 'b' })
    expect(await wf.lookup(y)).toMatchObject({ status: 'b' })
  },
)

test('a run that could not be looked at while the lease was doubtful is not forgotten', async () => {
  await using world = new World()
  const simple = workflow('simple', { ...thing, graph: { a: { step: ['b'] }, b: {} } })
  let doubtful = false
  let fails = true
  const wf = await world.start(
    (ports) => simple.addStep('a', async () => 'b').build({ ...ports, roleScheduler: doubting(ports.roleScheduler, () => doubtful) }),
    'a',
    {
      change: (store) => ({
        ...store,
        lookup: async (runId) => {
          if (fails) {
            fails = false
            doubtful = true
            throw new Error('a moment')
          }
          return await store.lookup(runId)
        },
      }),
    },
  )
  const runId = await simple.client(world.ports('c')).trigger('x', { initialValue: { n: 1 } })
  await world.pass(100)
  doubtful = false
  await world.pass(3_600_000)
  expect(fails).toBe(false)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'b' })
})

test('a lease that is lost is told to whoever reads the log, once for each slot', async () => {
  await using world = new World()
  const simple = workflow('simple', { ...thing, graph: { a: { step: ['b'] }, b: {} } })
  const losses: AbortController[] = []
  await world.start(
    (ports) =>
      simple
        .addStep('a', async () => 'b')
        .build({
          ...ports,
          roleScheduler: doubting(ports.roleScheduler, () => false, losses),
        }),
    'a',
    { slots: 2 },
  )
  await world.turns(2)
  for (const loss of losses) loss.abort()
  await world.turns(2)
  expect(world.logged('warn', 'the lease of a slot was lost').map(({ fields }) => fields['slot'])).toEqual([0, 1])
})
