/** What many people do to the same runs at once, while workers work on them: everything happens once, or not at all and is told so. */
import { after, type Audit, isWorkflowError, type RunHistoryEntry, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import type { Database } from './engine-promises.ts'

const orders = workflow('raced', {
  object: unchecked<{ readonly n: number }>(),
  graph: {
    made: { step: ['open'] },
    open: { callback: ['paid'], timeout: ['late'] },
    paid: { step: ['open', 'sent'] },
    late: { step: ['open', 'sent'] },
    sent: {},
  },
})
const edges: ReadonlySet<string> = new Set(['made open', 'open paid', 'open late', 'paid open', 'late open'])
const statuses = ['made', 'open', 'paid', 'late', 'sent'] as const

const definition = orders
  .addStep('made', async () => 'open')
  .addCallback('open', async () => 'paid')
  .addTimeout('open', after('1h'), async () => 'late', { name: 'gives up' })
  .addTimeout('open', after('10ms'), async (run) => (run.object.n % 3 === 0 ? 'late' : run.skip()), { name: 'is late' })
  // Round and round, so that there is always something to race with.
  .addStep('paid', async () => 'open')
  .addStep('late', async () => 'open')

type Client = ReturnType<typeof orders.client>

const quietly = (): void => undefined
const logger = { debug: quietly, info: quietly, warn: quietly, error: quietly }
const expected: ReadonlySet<string> = new Set([
  'IllegalMove',
  'StaleVersion',
  'Contention',
  'RunNotWaiting',
  'WorkflowInProgress',
  'Shredded',
])

/** The same for the same seed; what races with it is not. */
function chance(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

interface Act {
  readonly runId: string
  readonly reason: string
  readonly what: string
  readonly ifVersion: number | undefined
  readonly done: boolean
}

/** One person, who does something to some run again and again. */
async function person(client: Client, name: string, runIds: readonly string[], acts: Act[]): Promise<void> {
  const pick = chance(name.length * 7_919 + name.charCodeAt(0))
  for (let i = 0; i < 60; i++) {
    const runId = runIds[pick(runIds.length)] ?? ''
    const seen = pick(2) === 0 ? (await client.lookup(runId))?.version : undefined
    const reason = `${name} ${i}`
    const audit: Audit = { actor: name, reason, ...(seen === undefined ? undefined : { ifVersion: seen }) }
    const dice = pick(100)
    const what =
      dice < 32 ? 'pause' : dice < 68 ? 'moveTo' : dice < 78 ? 'resume' : dice < 96 ? 'callback' : dice < 98 ? 'cancel' : 'deleteData'
    try {
      if (what === 'moveTo') await client.moveTo(runId, statuses[pick(4)] ?? 'made', audit)
      else if (what === 'callback') await client.callback({ runId }, 'open', undefined)
      else await client[what](runId, audit)
      acts.push({ runId, reason, what, ifVersion: seen, done: true })
    } catch (error) {
      if (!isWorkflowError(error) || !expected.has(error.code)) throw error
      acts.push({ runId, reason, what, ifVersion: seen, done: false })
    }
  }
}

async function historyOf(client: Client, runId: string): Promise<readonly RunHistoryEntry[]> {
  const entries: RunHistoryEntry[] = []
  let cursor: string | undefined
  do {
    const page = await client.history(runId, { limit: 100, ...(cursor === undefined ? undefined : { cursor }) })
    entries.push(...page.items)
    cursor = page.cursor
  } while (cursor !== undefined)
  return entries
}

/** Every version once, each where the one before ended, by an edge of the graph or by a person who had paused the run. */
function expectWhole(entries: readonly RunHistoryEntry[]): void {
  expect(entries.map(({ version }) => version)).toEqual(entries.map((_, i) => i + 1))
  for (const [i, entry] of entries.entries()) {
    const before = entries[i - 1]
    if (before === undefined) continue
    expect(entry.from).toBe(before.to)
    if (before.states.at(-1) === 'Completed' || before.states.at(-1) === 'Cancelled') expect(entry.states.at(-1)).toMatch(/DataDeleted$/)
    if (entry.from === entry.to && entry.states.length > 1 && entry.by === 'person') continue
    if (entry.by === 'person' && entry.to !== entry.from) expect(entry.states[0]).toBe('Paused')
    else if (entry.from !== entry.to) expect(edges).toContain(`${entry.from} ${entry.to}`)
  }
}

/** What was done is in the history once, over the version that was looked at; what was refused is nowhere. */
function expectTold(acts: readonly Act[], entries: readonly RunHistoryEntry[]): void {
  // Reasons go with the data.
  if (entries.at(-1)?.states.at(-1) === 'DataDeleted') return
  for (const { reason, what, ifVersion, done } of acts) {
    if (what === 'callback') continue
    const found = entries.filter((entry) => entry.reason === reason)
    // To pause or cancel what is so already changes nothing.
    expect(found.length, `${reason}: ${what}`).toBeLessThanOrEqual(done ? 1 : 0)
    if (done && what === 'moveTo') expect(found, reason).toHaveLength(1)
    for (const { version } of found) if (ifVersion !== undefined) expect(version, reason).toBe(ifVersion + 1)
  }
}

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('not within 20 s')
    await new Promise((resolve) => {
      setTimeout(resolve, 10)
    })
  }
}

/** Registers the test, on a database that `fresh` makes. */
export function racePromises(fresh: () => Database): void {
  test('people who pause, move, resume, cancel and call back the same runs at once lose nothing and do nothing twice', async () => {
    await using database = fresh()
    const opened = ['a', 'b', 'c'].map((name) => database.open(name))
    const [first, second, third] = opened.map(({ recordStore, eventStreamer, timeoutStore, roleScheduler }) => ({
      recordStore,
      eventStreamer,
      timeoutStore,
      roleScheduler,
      logger,
      slots: 4,
    }))
    if (first === undefined || second === undefined || third === undefined) throw new Error('three were opened')
    const often = { defaults: { pollingFrequency: '50ms' } } as const
    const workers = [definition.build({ ...first, ...often }), definition.build({ ...second, ...often })]
    const client = orders.client(third)
    try {
      await Promise.all(workers.map((worker) => worker.run()))
      const runIds = await Promise.all(Array.from({ length: 20 }, (_, n) => client.trigger(`order ${n}`, { initialValue: { n } })))
      const acts: Act[] = []
      const people = ['ann', 'bob', 'eve', 'dora', 'emil']
      await Promise.all(people.map((name, i) => person([client, ...workers][i % 3] as Client, name, runIds, acts)))
      expect(acts.some(({ what, done }) => what === 'moveTo' && done)).toBe(true)
      for (const [n, runId] of runIds.entries()) {
        // Some have ended, and stay so; the others are entered anew, by one who has no code for their timers.
        try {
          await client.pause(runId, { actor: 'last', reason: 'stop' })
          if (n % 3 === 0) await client.cancel(runId, { actor: 'last', reason: 'enough' })
          else await client.moveTo(runId, 'open', { actor: 'last', reason: 'once more' })
        } catch (error) {
          if (!isWorkflowError(error, 'IllegalMove')) throw error
        }
      }
      for (const runId of runIds) {
        await eventually(async () => {
          const explained = await client.explain(runId)
          const { items } = await client.timers(runId, { limit: 1_000 })
          const open = items.filter(({ state }) => state === 'open' || state === 'held')
          if (explained.state === 'RequestedDataDeleted') return false
          if (explained.state !== 'Running') return open.length === 0
          const entered = (await historyOf(client, runId)).findLast(({ reason }) => reason === 'once more')?.version
          // The one that was due at once has been skipped, or has moved the run.
          return explained.status !== 'open' ? false : open.length === 1 && open[0]?.name === 'gives up' && open[0].version === entered
        })
        const entries = await historyOf(client, runId)
        expectWhole(entries)
        expectTold(
          acts.filter((act) => act.runId === runId),
          entries,
        )
      }
    } finally {
      await client.close()
      for (const worker of workers) await worker.stop({ timeout: '0ms' })
      for (const db of opened) await db.close()
    }
  })
}
