import { memory } from '@workflow/core/memory'
import { expect, test } from 'vitest'
import { approveInteractively } from './interactive-approver.ts'
import { pressedKeys } from './keyboard.ts'
import { orders } from './orders.contract.ts'
import { orderDefinition } from './orders.worker.ts'

test('asks about each large order, and takes a key as the answer', async () => {
  const infrastructure = memory()
  const services = {
    payments: { charge: async () => ({ outcome: 'charged', paymentId: 'p' }) as const },
    approvalTimeout: '1h',
    paymentTimeout: '1h',
    chargeDeadline: '1s',
  } as const
  await using worker = orderDefinition(services).build(infrastructure)
  await worker.run()
  const client = orders.client(infrastructure)
  const runIds: string[] = []
  for (const id of ['o-1', 'o-2', 'o-3', 'o-4']) {
    const runId = await client.trigger(id, {
      initialValue: { id, customer: 'Ada', card: 'visa-4242', items: [{ sku: 'camera', quantity: 2, cents: 64_900 }] },
    })
    await client.await(runId, 'awaiting-approval')
    runIds.push(runId)
  }
  const said: (string | undefined)[] = []
  const ending = new AbortController()
  const keys = (async function* () {
    yield* ['x', 'Y', 'n', 'a']
  })()
  const view = {
    ask: (question: string | undefined) => {
      said.push(question)
    },
    note: (line: string) => {
      said.push(line)
    },
  }
  const approving = approveInteractively({ client, keys, view, actor: 'Grace', signal: ending.signal })
  const ended = await Promise.all(runIds.map((runId) => client.awaitCompletion(runId, { timeout: '10s' })))
  ending.abort()
  await approving
  expect(ended.map(({ status, object }) => `${status} by ${object.decidedBy}`)).toEqual([
    'shipped by Grace',
    'rejected by Grace',
    'shipped by Grace',
    'shipped by Grace',
  ])
  expect(said).toEqual([
    'o-1, Ada, 1,298.00 EUR: approve?  y yes  n no  a all',
    undefined,
    '  o-1 approved',
    'o-2, Ada, 1,298.00 EUR: approve?  y yes  n no  a all',
    undefined,
    '  o-2 rejected',
    'o-3, Ada, 1,298.00 EUR: approve?  y yes  n no  a all',
    undefined,
  ])
})

test('a decision that comes too late changes nothing and is said to', async () => {
  const infrastructure = memory()
  const services = {
    payments: { charge: async () => ({ outcome: 'declined' }) as const },
    approvalTimeout: '1h',
    paymentTimeout: '1h',
    chargeDeadline: '1s',
  } as const
  await using worker = orderDefinition(services).build(infrastructure)
  await worker.run()
  const client = orders.client(infrastructure)
  const runId = await client.trigger('o-1', {
    initialValue: { id: 'o-1', customer: 'Ada', card: 'visa-4242', items: [{ sku: 'camera', quantity: 2, cents: 64_900 }] },
  })
  await client.await(runId, 'awaiting-approval')
  const said: string[] = []
  const ending = new AbortController()
  const keys = (async function* () {
    await client.callback({ runId }, 'awaiting-approval', { approved: false, by: 'somebody else' }, { wait: true })
    yield 'y'
  })()
  await approveInteractively({
    client,
    keys,
    view: {
      ask: () => undefined,
      note: (line) => {
        said.push(line)
        ending.abort()
      },
    },
    actor: 'Grace',
    signal: ending.signal,
  })
  expect(said).toEqual(['  o-1 was decided meanwhile'])
  expect((await client.lookup(runId))?.status).toBe('rejected')
})

test('keys come one by one; Ctrl-C is an interrupt; the terminal is left as it was', async () => {
  const modes: boolean[] = []
  let interrupts = 0
  const stdin = {
    setRawMode: (raw: boolean) => {
      modes.push(raw)
      return stdin as never
    },
    setEncoding: () => stdin as never,
    async *[Symbol.asyncIterator]() {
      yield* ['y\u0003', 'nn']
    },
  }
  const keys: string[] = []
  for await (const key of pressedKeys(stdin as never, () => {
    interrupts += 1
  }))
    keys.push(key)
  expect({ keys, modes, interrupts }).toEqual({ keys: ['y', 'n', 'n'], modes: [true, false], interrupts: 1 })
})
