import { unchecked, workflow } from '@workflow/core'
import { beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { testKit } from '../../src/index.ts'
import { trialDefinition } from './trial.ts'

const ann = { initialValue: { user: 'ann', reminders: 0 } }

async function story(seed: number, start: Date) {
  await using kit = testKit(trialDefinition, {}, { seed, start })
  await kit.trigger('ann', { ...ann, metadata: { plan: 'gold' } })
  await kit.advance('12d')
  await kit.triggerCallbackOn('ann', 'started', { card: 'visa' })
  return { run: await kit.snapshot('ann'), history: await kit.historySnapshot('ann'), id: (await kit.run('ann')).runId }
}

test('snapshots are the same whatever ids and dates there were', async () => {
  const one = await story(1, new Date('2026-01-01'))
  const other = await story(77, new Date('2031-07-15T12:34:56.789Z'))
  expect(one.id).not.toBe(other.id)
  expect({ ...other, id: one.id }).toEqual(one)
  expect(one.run).toEqual({
    workflow: 'trial',
    run: 'run-1',
    foreignId: 'ann',
    status: 'subscribed',
    state: 'Completed',
    version: 4,
    created: 'start',
    updated: 'start + 12d',
    entered: 'start + 12d',
    finished: 'start + 12d',
    metadata: { plan: 'gold' },
    object: { card: 'visa', reminders: 1, user: 'ann' },
  })
  expect(one.history.map(({ version, from, to, by, at, attempt }) => `${version} ${from} ${to} ${by} ${at} ${attempt}`)).toEqual([
    '1 undefined requested trigger start 1',
    '2 requested started step start 1',
    '3 started started timeout start + 10d 1',
    '4 started subscribed callback start + 12d 1',
  ])
})

test('ids of runs have names wherever they are, and errors come without their stacks', async () => {
  const notes = workflow('note', {
    object: unchecked<{ key?: string; of: string[] }>(),
    graph: { open: { step: ['done'] }, done: {} },
  }).addStep('open', async (run) => {
    run.object.key = run.idempotencyKey
    if (run.foreignId.startsWith('bad')) return run.pause(`${run.runId} is bad`)
    return 'done'
  })
  await using kit = testKit(notes)
  const one = await kit.trigger('good', { initialValue: { of: [] } })
  await kit.trigger('bad', { initialValue: { of: [one.runId] } })
  await kit.settle()
  const bad = await kit.snapshot('bad')
  expect(bad).toMatchObject({ run: 'run-2', state: 'Paused', object: { key: 'run-2/1/0', of: ['run-1'] } })
  const history = await kit.historySnapshot('bad')
  expect(history.at(-1)).toMatchObject({ by: 'step', reason: 'run-2 is bad', states: ['Initiated', 'Paused'] })
  expect(JSON.parse(JSON.stringify(history))).toEqual(history)
})

test('an engine that paused a run shows its error by name and message', async () => {
  await using kit = testKit(
    trialDefinition,
    { steps: { requested: async () => Promise.reject(new RangeError('out of cards')) } },
    {
      infrastructure: { defaults: { pauseAfterErrCount: 1 }, autoResume: false },
    },
  )
  await kit.trigger('ann', ann)
  await kit.settle()
  const history = await kit.historySnapshot('ann')
  expect(history.at(-1)?.error).toEqual({ name: 'RangeError', message: 'out of cards' })
})

/** A schema that makes of stored data what JSON does not know, once it is stored. */
let stored = false
const rich = workflow('rich', {
  object: z.object({ kind: z.string(), made: z.unknown() }).transform(({ kind, made }) => ({ kind, made: stored ? valueOf(kind) : made })),
  graph: { open: { callback: ['done'] }, done: {} },
}).addCallback('open', async () => 'done')

beforeEach(() => {
  stored = false
})

class Money {
  readonly cents = 5
}

function valueOf(kind: string): unknown {
  const circle: { self?: unknown } = {}
  circle.self = circle
  const values: { readonly [kind: string]: unknown } = {
    date: new Date('2026-02-03'),
    map: new Map([['a', new Set([1])]]),
    big: 12n,
    nan: Number.NaN,
    function: { deep: [() => 1] },
    symbol: Symbol('s'),
    class: new Money(),
    circle,
    invalid: new Date(Number.NaN),
  }
  return values[kind]
}

test.each([
  ['date', '2026-02-03T00:00:00.000Z'],
  ['map', { Map: [['a', { Set: [1] }]] }],
  ['big', '12n'],
  ['nan', 'NaN'],
])('a %s has a plain form', async (kind, plain) => {
  await using kit = testKit(rich)
  await kit.trigger('a', { initialValue: { kind, made: null } })
  stored = true
  expect((await kit.snapshot('a')).object).toEqual({ kind, made: plain })
})

test.each([
  ['function', "'object.made.deep[0]' is a function"],
  ['symbol', "'object.made' is a symbol"],
  ['class', "'object.made' is an instance of Money"],
  ['circle', 'contains itself'],
  ['invalid', "'object.made' is an invalid Date"],
])('a %s has none, and is refused by its path', async (kind, message) => {
  await using kit = testKit(rich)
  await kit.trigger('a', { initialValue: { kind, made: null } })
  stored = true
  await expect(kit.snapshot('a')).rejects.toMatchObject({ code: 'NotSerializable', message: expect.stringContaining(message) })
  await expect(kit.snapshot('a')).rejects.toThrow(/run \S+ of workflow 'rich'.*replace/)
  const shown = await kit.snapshot('a', { replace: (value, path) => (path === 'object.made' ? 'something' : value) })
  expect(shown.object).toEqual({ kind, made: 'something' })
})
