/** However many runs there are, and whatever is in them: the definition alone decides how many series there can be. */
import { unchecked, workflow } from '@workflow/core'
import { runStates } from '@workflow/core/adapter'
import { memory } from '@workflow/core/memory'
import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { prometheus } from '../src/index.ts'
import { parseExposition } from './exposition.ts'
import { eventually } from './eventually.ts'

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
/** Nothing that a run brings along may be found in the metrics; all of it contains this. */
const secret = 'hunter2'

// Names that break what is put together by hand: quotes, backslashes, separators of prom-client's own keys, a long one.
const name = 'a "b"\\n,process_name:c'
const hostile = workflow(name, {
  object: unchecked<{ readonly note: string; readonly fails: boolean }>(),
  graph: {
    'first "{}\\': { step: ['x,workflow_name:y', 'constructor'] },
    'x,workflow_name:y': { step: ['end'] },
    constructor: { step: ['end'] },
    [`end ${'e'.repeat(90)}`]: {},
    end: { step: [`end ${'e'.repeat(90)}`] },
  },
})

it('series are bounded by the definition, and hold nothing of runs', { timeout: 60_000 }, async () => {
  const registry = new Registry()
  await using app = hostile
    .addStep(
      'first "{}\\',
      async (run) => {
        if (run.object.fails) throw new Error(`${secret} failed in ${run.runId}`)
        return run.object.note.endsWith('0') ? 'constructor' : 'x,workflow_name:y'
      },
      { errBackOff: '1ms', pauseAfterErrCount: 2, parallelCount: 8 },
    )
    .addStep('x,workflow_name:y', async () => 'end')
    .addStep('constructor', async () => 'end')
    .addStep('end', async () => `end ${'e'.repeat(90)}` as const)
    .build({ ...memory(), logger: quiet, instance: `${secret} instance`, instrumentation: prometheus({ registry, cache: '0s' }) })
  await app.run()
  const ids = await Promise.all(
    Array.from({ length: 300 }, (_, i) =>
      app.trigger(`${secret} ${i}`, {
        initialValue: { note: `${secret} ${i}`, fails: i % 3 === 0 },
        metadata: { [`${secret} key`]: `${secret} ${i}` },
        traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`,
      }),
    ),
  )
  const count = async (state: string): Promise<number> => (await app.count('state')).get(state) ?? 0
  await eventually(async () => (await count('Completed')) === 200 && (await count('Paused')) === 100)
  for (const { runId } of (await app.list({ state: 'Paused' })).items)
    await app.cancel(runId, { reason: `${secret} reason`, actor: `${secret} actor` })
  const text = await registry.metrics()
  for (const id of [...ids, secret, 'c'.repeat(32), 'd'.repeat(16)]) expect(text).not.toContain(id)
  const found = new Map<string, Set<string>>()
  for (const { samples } of parseExposition(text).values())
    for (const { labels } of samples)
      for (const [label, value] of Object.entries(labels)) found.set(label, (found.get(label) ?? new Set()).add(value))
  expect(found.get('workflow_name')).toEqual(new Set([name]))
  const processes = new Set(app.states().map((process) => process.name))
  expect([...(found.get('process_name') ?? [])].filter((process) => !processes.has(process)).sort()).toEqual(['control', 'runs', 'trigger'])
  expect(found.get('receiver_name')?.size).toBe(1)
  const closed = ['previous_run_state', 'current_run_state', 'run_state'].flatMap((label) => [...(found.get(label) ?? [])])
  expect(closed.filter((state) => state !== '' && !runStates.includes(state as never))).toEqual([])
  const reasons = ['already handled', 'not waiting', 'record is older', 'not stored', 'unreadable', 'invalid']
  expect([...(found.get('reason') ?? [])].filter((reason) => !reasons.includes(reason))).toEqual([])
  for (const operation of found.get('operation') ?? []) expect(operation).toMatch(/^[a-zA-Z.]{1,30}$/)
})
