/** Definitions that cannot work are refused when they are made, with the workflow, the status and the fix in the message. */
import { expect, test } from 'vitest'
import { isWorkflowError, unchecked, workflow } from './index.ts'
import { memory } from './memory/index.ts'

// What the compiler refuses for TypeScript must be refused for JavaScript, too: everything is loose here.
type Methods = 'addStep' | 'addCallback' | 'addTimeout' | 'addConnector' | 'customDelete' | 'include' | 'transactional' | 'build'
type Loose = { readonly [Method in Methods]: (...given: readonly unknown[]) => Loose }
const make = workflow as unknown as (name: unknown, spec: unknown) => Loose
const object = unchecked<unknown>()
const graph = { created: { step: ['paid'] }, paid: { callback: ['done'], timeout: ['late'] }, done: {}, late: {} }
const orders = (): Loose => make('orders', { object, graph })
const handler = async (): Promise<string> => 'paid'
const whole = (): Loose => orders().addStep('created', handler).addCallback('paid', handler).addTimeout('paid', { '~timer': '1h' }, handler)

function refusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    expect(isWorkflowError(error, 'Configuration')).toBe(true)
    return (error as Error).message
  }
  throw new Error('nothing was refused')
}

const contracts: readonly (readonly [string, unknown, unknown, RegExp])[] = [
  ['an empty name', '', { object, graph }, /the name of a workflow is empty/],
  ['a blank name', '  ', { object, graph }, /empty/],
  ['a name with white space around it', ' orders', { object, graph }, /white space/],
  ['a name of 101 characters', 'x'.repeat(101), { object, graph }, /101 characters/],
  ['a name with a control character', 'a\nb', { object, graph }, /control character/],
  ['a name with half a surrogate', 'a\uD800', { object, graph }, /surrogate/],
  ['a name that is a number', 7, { object, graph }, /must be a text/],
  ['no graph', 'orders', { object }, /graph must be an object/],
  ['an empty graph', 'orders', { object, graph: {} }, /has no status/],
  ['no exit at all', 'orders', { object, graph: { a: {} } }, /every status is terminal/],
  ['an unreachable status', 'orders', { object, graph: { a: { step: ['b'] }, b: {}, c: {} } }, /no run can reach 'c'/],
  [
    'a destination that nothing declares',
    'orders',
    { object, graph: { a: { step: ['dune'] }, done: {} } },
    /leads to "dune", which is no status.*'done'/,
  ],
  ['a destination that is listed twice', 'orders', { object, graph: { a: { step: ['b', 'b'] }, b: {} } }, /lists 'b' twice/],
  ['an exit that leads nowhere', 'orders', { object, graph: { a: { step: [] } } }, /leads nowhere/],
  ['a kind of exit that does not exist', 'orders', { object, graph: { a: { stpe: ['b'] }, b: {} } }, /an exit 'stpe'.*'step'/],
  ['statuses that differ only in case', 'orders', { object, graph: { a: { step: ['A'] }, A: {} } }, /differ only in case/],
  ['statuses that look alike', 'orders', { object, graph: { 'caf\u00e9': { step: ['cafe\u0301'] }, 'cafe\u0301': {} } }, /look alike/],
  ['a status that is a number', 'orders', { object, graph: { a: { step: ['1'] }, 1: {} } }, /call it 's1'/],
  ['an empty status', 'orders', { object, graph: { a: { step: [''] }, '': {} } }, /the name of a status is empty/],
  ['an object that is no schema', 'orders', { object: {}, graph }, /object must be a Standard Schema/],
  [
    'a payload where no callback leaves',
    'orders',
    { object, graph, payloads: { created: object } },
    /no callback leaves that status.*'paid'/,
  ],
  ['a join without children', 'orders', { object, graph: { a: { join: ['b'] }, b: {} } }, /nothing says whose runs it waits for/],
  [
    'children that are no contract',
    'orders',
    { object, graph: { a: { join: ['b'] }, b: {} }, children: { a: {} } },
    /must be a contract made with workflow/,
  ],
  ['a schema version of 0', 'orders', { object, graph, schemaVersion: 0 }, /schemaVersion/],
  ['a schema version that is no whole number', 'orders', { object, graph, schemaVersion: 1.5 }, /schemaVersion/],
  ['an option that does not exist', 'orders', { object, graph, grahp: {} }, /has no 'grahp'.*'graph'/],
]

test.each(contracts)('a contract with %s is refused', (_what, name, spec, message) => {
  const text = refusal(() => make(name, spec))
  expect(text).toMatch(message)
  if (name === 'orders') expect(text).toContain("workflow 'orders'")
})

const builders: readonly (readonly [string, (from: Loose) => unknown, RegExp])[] = [
  ['a second step', (from) => from.addStep('created', handler).addStep('created', handler), /'created' already has a step/],
  ['a step where none leaves', (from) => from.addStep('paid', handler), /no step leaves 'paid'.*'created'/],
  ['a misspelt status', (from) => from.addStep('craeted', handler), /no such status.*'created'/],
  ['a handler that is no function', (from) => from.addStep('created', 'paid'), /must be a function; got "paid"/],
  [
    'two timeouts of one name',
    (from) => from.addTimeout('paid', { '~timer': '1h' }, handler).addTimeout('paid', { '~timer': '2h' }, handler),
    /timeout 'timeout' is already there/,
  ],
  ['a timer that is a text', (from) => from.addTimeout('paid', '1h', handler), /its timer must be after\('1h'\)/],
  ['a connector without schema', (from) => from.addConnector('c', undefined, handler), /needs a Standard Schema/],
  ['two connectors of one name', (from) => from.addConnector('c', object, handler).addConnector('C', object, handler), /collides with 'c'/],
  ['two scrubbers', (from) => from.customDelete(handler).customDelete(handler), /customDelete is there already/],
  ['a part of another contract', (from) => from.include(orders()), /built on the same contract/],
  ['a part that is none', (from) => from.include({}), /a definition made with workflow/],
  ['an unknown option', (from) => from.addStep('created', handler, { paralelCount: 2 }), /has no 'paralelCount'.*'parallelCount'/],
  ...([0, -1, 1.5, Number.NaN, Infinity, '4', null] as const).map(
    (value) =>
      [
        `parallelCount ${String(value)}`,
        (from: Loose) => from.addStep('created', handler, { parallelCount: value }),
        /parallelCount must be a whole number from 1 to 10000/,
      ] as const,
  ),
  ...(['-1s', '0s', 'soon', 5, '1 hour', ''] as const).map(
    (value) =>
      [
        `a deadline of ${JSON.stringify(value)}`,
        (from: Loose) => from.addStep('created', handler, { deadline: value }),
        /deadline/,
      ] as const,
  ),
  ...([0, -3, 2.5, Number.NaN] as const).map(
    (value) =>
      [
        `pauseAfterErrCount ${value}`,
        (from: Loose) => from.addStep('created', handler, { pauseAfterErrCount: value }),
        /pauseAfterErrCount must be a whole number/,
      ] as const,
  ),
  ...(
    [
      { initial: '0s' },
      { initial: '1s', factor: 0.5 },
      { initial: '1s', factor: Number.NaN },
      { initial: '10s', max: '1s' },
      { initial: '1s', jitter: 1 },
      { intial: '1s' },
      7,
    ] as const
  ).map(
    (value) =>
      [
        `an errBackOff of ${JSON.stringify(value)}`,
        (from: Loose) => from.addStep('created', handler, { errBackOff: value }),
        /errBackOff/,
      ] as const,
  ),
]

test.each(builders)('a definition with %s is refused, and the one before it is as it was', (_what, change, message) => {
  const from = orders()
  const text = refusal(() => change(from))
  expect(text).toMatch(message)
  // Immutable: a refused call has left nothing behind.
  expect(refusal(() => from.build(memory()))).toContain('no handler for: step created, callback paid, timeout paid')
})

const infrastructures: readonly (readonly [string, () => unknown, RegExp])[] = [
  ['nothing', () => undefined, /is missing: give an object like memory\(\)/],
  ['no record store', () => ({ ...memory(), recordStore: undefined }), /has no recordStore/],
  ['a store that is none', () => ({ ...memory(), recordStore: {} }), /recordStore is not one: it lacks commit\(\)/],
  ['no timeout store', () => ({ ...memory(), timeoutStore: undefined }), /has no timeoutStore, but a timeout leaves 'paid'/],
  ['the timeout store of another', () => ({ ...memory(), timeoutStore: memory().timeoutStore }), /must be the record store's own/],
  ['an unknown option', () => ({ ...memory(), slotz: 4 }), /has no 'slotz'.*'slots'/],
  ...([0, 1.5, 1_025, -1, Number.NaN] as const).map(
    (slots) => [`slots ${slots}`, () => ({ ...memory(), slots }), /slots must be a whole number from 1 to 1024/] as const,
  ),
  ...(['-1s', 'later', 5] as const).map(
    (autoResume) => [`autoResume ${autoResume}`, () => ({ ...memory(), autoResume }), /autoResume/] as const,
  ),
  ['defaults that are wrong', () => ({ ...memory(), defaults: { parallelCount: 0 } }), /defaults: parallelCount/],
  ['an outbox that is wrong', () => ({ ...memory(), outbox: { batch: 0 } }), /outbox: batch/],
  ['an empty instance', () => ({ ...memory(), instance: '' }), /instance must be a text/],
  ['connectors that nobody reads', () => ({ ...memory(), connectors: { extra: {} } }), /connectors/],
]

test.each(infrastructures)('building on %s is refused', (_what, give, message) => {
  const text = refusal(() => whole().build(give()))
  expect(text).toMatch(message)
  expect(text).toContain("workflow 'orders'")
})

test('a missing connector and a store without transactions are refused', () => {
  expect(refusal(() => whole().addConnector('scans', object, handler).build(memory()))).toMatch(/no source for connector 'scans'/)
  expect(refusal(() => whole().transactional().build(memory()))).toMatch(/has no transactions/)
})

test('setting one option leaves the defaults of the others alone', async () => {
  const { libraryOptions, resolveProcessOptions } = await import('./options.ts')
  const options = resolveProcessOptions(libraryOptions, { consumeLag: '1m' }, { parallelCount: 3 })
  expect(options).toMatchObject({
    parallelCount: 3,
    consumeLagMs: 60_000,
    lagAlertMs: 31 * 60_000,
    pollingFrequencyMs: 500,
    pauseAfterErrCount: Infinity,
    deadlineMs: 600_000,
  })
  expect(options.backOffMs(1, undefined, 0, () => 1)).toBe(1_000)
  expect(options.backOffMs(30, undefined, 0, () => 0)).toBe(30_000)
})
