import { expect, test } from 'vitest'
import { audit } from './audit.ts'
import { historyFaults, type OrderFacts } from './order-facts.ts'
import type { LedgerEntry } from './payment-ledger.ts'

const facts: OrderFacts = {
  orderId: 'o-1',
  runId: 'r-1',
  state: 'Completed',
  status: 'shipped',
  totalCents: 100,
  paymentId: 'payment-1',
  tookMs: 1,
  transitions: 4,
  retries: 0,
  callbacks: 0,
  timeouts: 0,
  faults: [],
}
const charge: LedgerEntry = { paymentId: 'payment-1', key: 'k-1', orderId: 'o-1', cents: 100, outcome: 'charged', repeats: 0 }

function faultsOf(change: {
  readonly facts?: readonly OrderFacts[]
  readonly ledger?: readonly LedgerEntry[]
  readonly accepted?: readonly string[]
}): readonly string[] {
  return audit({ facts: [facts], ledger: [charge], accepted: ['o-1'], ...change }).flatMap(({ faults }) => faults)
}

test('finds nothing where nothing is wrong', () => {
  expect(faultsOf({})).toEqual([])
  expect(faultsOf({ ledger: [charge, { ...charge, key: 'k-0', outcome: 'declined', paymentId: 'payment-0' }] })).toEqual([])
})

test.each([
  ['an order that got lost', { accepted: ['o-1', 'o-2'] }, 'o-2 was read and is not in the database'],
  ['an order that was run twice', { facts: [facts, { ...facts, runId: 'r-2' }] }, 'o-1 was run 2 times'],
  [
    'an order that has not ended',
    { facts: [facts, { ...facts, orderId: 'o-2', state: 'Running' as const, status: 'charging' as const }] },
    'o-2 is Running at charging',
  ],
  ['a history with a fault', { facts: [{ ...facts, faults: ['version 2 is missing'] }] }, 'o-1: version 2 is missing'],
  [
    'a second charge',
    { ledger: [charge, { ...charge, key: 'k-2', paymentId: 'payment-2' }] },
    'o-1 was charged 2 times: payment-1, payment-2',
  ],
  ['goods without money', { ledger: [] }, 'o-1 was shipped and never charged'],
  ['another amount', { ledger: [{ ...charge, cents: 99 }] }, 'o-1 costs 1.00 EUR by payment-1, and the ledger has 0.99 EUR by payment-1'],
  [
    'another payment',
    { ledger: [{ ...charge, paymentId: 'payment-7' }] },
    'o-1 costs 1.00 EUR by payment-1, and the ledger has 1.00 EUR by payment-7',
  ],
  ['money without goods', { facts: [{ ...facts, status: 'unpaid' as const }] }, 'o-1 is unpaid, and was charged by payment-1'],
  [
    'money for nothing that is known',
    { ledger: [charge, { ...charge, key: 'k-2', orderId: 'o-9' }] },
    'o-9 was charged and is not in the database',
  ],
])('finds %s', (_what, change, fault) => {
  expect(faultsOf(change)).toContain(fault)
})

const path = [
  { version: 1, to: 'received', by: 'trigger' },
  { version: 2, from: 'received', to: 'charging', by: 'step' },
  { version: 3, from: 'charging', to: 'paid', by: 'step' },
] as const

test('accepts a path of the graph, pauses included', () => {
  expect(historyFaults({ version: 3, status: 'paid' }, path)).toEqual([])
  const paused = [
    ...path,
    { version: 4, from: 'paid', to: 'paid', by: 'person' },
    { version: 5, from: 'paid', to: 'shipped', by: 'step' },
  ] as const
  expect(historyFaults({ version: 5, status: 'shipped' }, paused)).toEqual([])
})

test.each([
  ['a gap', { version: 3, status: 'paid' }, [path[0], path[2]], 'version 2 is missing'],
  [
    'a jump',
    { version: 2, status: 'paid' },
    [path[0], { version: 2, from: 'received', to: 'paid', by: 'step' }],
    'no step leads from received to paid',
  ],
  [
    'a move by the wrong hand',
    { version: 2, status: 'charging' },
    [path[0], { ...path[1], by: 'timeout' }],
    'no timeout leads from received to charging',
  ],
  [
    'another beginning',
    { version: 1, status: 'paid' },
    [{ version: 1, to: 'paid', by: 'trigger' }],
    'no trigger leads from nothing to paid',
  ],
  ['a lost end', { version: 3, status: 'paid' }, path.slice(0, 2), 'the run has version 3, and its history 2'],
  ['another end', { version: 3, status: 'shipped' }, path, 'the run is shipped, and its history ends at paid'],
] as const)('finds %s in a history', (_what, run, entries, fault) => {
  expect(historyFaults(run, entries)).toContain(fault)
})
