/** Several processes on one database, beside one process with the same load. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../harness/bench.ts'
import { Child } from '../harness/child.ts'
import { openDatabase, type Place } from '../harness/database.ts'
import { orders, stepsPerRun } from '../harness/orders.ts'
import type { Figure } from '../harness/report.ts'
import type { Counted } from '../processes/sharing.ts'

/** Runs in flight, in all processes together. */
const windowSize = 1_000
const secondsDefault = 10
/** Until the slots have been shared out: at most, and where nobody can say. */
const settleMsMax = 20_000
const settleMs = 4_000
const warmUpMsMax = 2_000
const lookEveryMs = 50

interface Measured {
  readonly perSecond: number
  /** Of all processes, per run. */
  readonly clientMs: number
  readonly serverMs: number | undefined
  readonly handledTwice: number
  /** Where it can be asked how many slots each has. */
  readonly slotsFewest?: number
  readonly slotsMost?: number
}

/** A place where more may be known. */
export interface SharedPlace extends Place {
  readonly serverCpuMs?: () => number | undefined
  /** How many slots each of the instances holds that hold any. */
  readonly slotsHeld?: () => Promise<readonly number[]>
}

/** The rate of several processes against one; each number in `counts` is a number of processes. */
export function sharing(name: string, open: () => Promise<SharedPlace>, counts: readonly number[]): Case {
  return {
    name,
    runs: 1,
    measure: async ({ repeats, seconds = secondsDefault, processes = counts }) => {
      const numbers = [...new Set([1, ...processes])]
      const measured = new Map<number, Measured[]>(numbers.map((count) => [count, []]))
      for (let i = 0; i < repeats; i++) for (const count of numbers) measured.get(count)?.push(await once(await open(), count, seconds))
      const alone = measured.get(1) ?? []
      return numbers.flatMap((count) => figures(count, measured.get(count) ?? [], alone))
    },
  }
}

function figures(count: number, measured: readonly Measured[], alone: readonly Measured[]): readonly Figure[] {
  const who = count === 1 ? 'one process' : `${count} processes`
  const of = (metric: string, unit: string, one: (values: Measured, i: number) => number | undefined): Figure => {
    return { metric: `${who}${metric}`, unit, values: measured.map(one).filter((value) => value !== undefined) }
  }
  const all = [
    of('', 'transitions/s', ({ perSecond }) => perSecond * stepsPerRun),
    of(', of one', '%', ({ perSecond }, i) => (count === 1 ? undefined : (perSecond / (alone[i]?.perSecond ?? Number.NaN)) * 100)),
    of(', processor time', 'µs/run', ({ clientMs }) => clientMs * 1_000),
    of(', processor time of the server', 'µs/run', ({ serverMs }) => (serverMs === undefined ? undefined : serverMs * 1_000)),
    of(', steps handled twice', '', ({ handledTwice }) => handledTwice),
    of(', fewest slots of one', '', ({ slotsFewest }) => slotsFewest),
    of(', most slots of one', '', ({ slotsMost }) => slotsMost),
  ]
  return all.filter(({ values }) => values.length > 0)
}

async function once(opened: SharedPlace, count: number, seconds: number): Promise<Measured> {
  await using place = opened
  const share = String(Math.max(1, Math.floor(windowSize / count)))
  await using stack = new AsyncDisposableStack()
  const children = Array.from({ length: count }, (_, i) => stack.use(new Child('sharing', [place.address, `process-${i}`, share])))
  await Promise.all(children.map((child) => child.next<{ ready: true }>()))
  const slots = await sharedOut(place, count)
  for (const child of children) child.say('start')
  await sleep(Math.min(warmUpMsMax, seconds * 1_000))
  const [before, serverBefore, start] = [await counted(children), place.serverCpuMs?.(), performance.now()]
  await sleep(seconds * 1_000)
  const [after, serverAfter, end] = [await counted(children), place.serverCpuMs?.(), performance.now()]
  for (const child of children) child.say('hold')
  const done = await drained(children)
  await assertAllCompleted(place, done)
  await Promise.all(children.map((child) => child.end()))
  const runs = after.completed - before.completed
  return {
    perSecond: (runs / (end - start)) * 1_000,
    clientMs: (after.cpuMs - before.cpuMs) / runs,
    serverMs: serverAfter === undefined || serverBefore === undefined ? undefined : (serverAfter - serverBefore) / runs,
    handledTwice: done.calls - done.triggered * stepsPerRun,
    ...(slots.length === 0 ? {} : { slotsFewest: Math.min(...slots), slotsMost: Math.max(...slots) }),
  }
}

/** How many slots each has once everybody has about as many. What is not even in the end is in the figures. */
async function sharedOut({ slotsHeld }: SharedPlace, count: number): Promise<readonly number[]> {
  if (slotsHeld === undefined) {
    await sleep(settleMs)
    return []
  }
  for (const begin = performance.now(); ; await sleep(lookEveryMs)) {
    const slots = await slotsHeld()
    const even = slots.length === count && Math.max(...slots) - Math.min(...slots) <= 1
    if (even || performance.now() - begin > settleMsMax) return slots
  }
}

async function counted(children: readonly Child[]): Promise<Counted> {
  for (const child of children) child.say('count')
  const answers = await Promise.all(children.map((child) => child.next<Counted>()))
  return answers.reduce((sum, one) => ({
    triggered: sum.triggered + one.triggered,
    completed: sum.completed + one.completed,
    calls: sum.calls + one.calls,
    cpuMs: sum.cpuMs + one.cpuMs,
  }))
}

/** When nothing is in flight any more. */
async function drained(children: readonly Child[]): Promise<Counted> {
  for (;;) {
    const now = await counted(children)
    if (now.completed >= now.triggered) return now
    await sleep(lookEveryMs)
  }
}

/** What the processes say must be what is stored: each run completed once, and none left. */
async function assertAllCompleted(place: Place, { triggered, completed }: Counted): Promise<void> {
  await using database = openDatabase(place.address)
  const states = await database.recordStore.count({ workflowName: orders.name }, 'runState')
  const stored = [...states.values()].reduce((sum, each) => sum + each, 0)
  if (completed !== triggered || states.get('Completed') !== triggered || stored !== triggered)
    throw new Error(`${triggered} runs were triggered, ${completed} completed, and ${JSON.stringify([...states])} are stored`)
}
