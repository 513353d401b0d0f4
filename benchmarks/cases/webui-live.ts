/** What it costs an engine that twenty windows show what it does, live: served by another process, or by its own. */
import type { Case } from '../harness/bench.ts'
import { Child } from '../harness/child.ts'
import type { Place } from '../harness/database.ts'
import { orders, stepsPerRun } from '../harness/orders.ts'
import type { Figure } from '../harness/report.ts'
import { openViewers } from '../harness/viewers.ts'
import type { Worked } from '../processes/watched.ts'

const viewers = 20
const pacePerSecond = 1_000
const secondsDefault = 10
/** As a part of what is measured. */
const warmUpShare = 0.2
const ways = ['no viewers', 'served by another process', 'served by its own process'] as const

interface Reading {
  readonly paced: Worked
  readonly full: Worked
  /** Changes that all viewers were sent, and answers that they got, per second of both loads. */
  readonly changesPerSecond: number
  readonly answersPerSecond: number
}

/** Each repeat measures every way, each on a file of its own, beginning with another one. */
export function webuiLive(name: string, open: () => Promise<Place>): Case {
  return {
    name,
    runs: 1,
    measure: async ({ repeats, seconds = secondsDefault }) => {
      const readings = new Map<string, Reading[]>(ways.map((way) => [way, []]))
      for (let i = 0; i < repeats; i++)
        for (let j = 0; j < ways.length; j++) {
          const way = ways[(i + j) % ways.length] ?? ways[0]
          readings.get(way)?.push(await once(await open(), way, seconds))
        }
      const alone = readings.get(ways[0]) ?? []
      return ways.flatMap((way) => figures(way, readings.get(way) ?? [], alone))
    },
  }
}

async function once(opened: Place, way: (typeof ways)[number], seconds: number): Promise<Reading> {
  await using place = opened
  await using stack = new AsyncDisposableStack()
  const engine = stack.use(new Child('watched', [place.address, ...(way === ways[2] ? ['serve'] : [])]))
  const own = await engine.next<{ readonly url?: string }>()
  const server = way === ways[1] ? stack.use(new Child('webui', [place.address, orders.name])) : undefined
  const { url } = server === undefined ? own : await server.next<{ readonly url: string }>()
  const seen = url === undefined ? undefined : stack.use(await openViewers(url, viewers)).seen
  const told = async (line: string): Promise<Worked> => {
    engine.say(line)
    return await engine.next<Worked>()
  }
  const pace = pacePerSecond / stepsPerRun
  await told(`paced ${pace} ${seconds * warmUpShare}`)
  const before = seen?.()
  const paced = await told(`paced ${pace} ${seconds}`)
  const after = seen?.()
  await told(`window ${seconds * warmUpShare}`)
  const full = await told(`window ${seconds}`)
  const rate = (of: 'changes' | 'answers'): number => (((after?.[of] ?? 0) - (before?.[of] ?? 0)) / paced.wallMs) * 1_000
  return { paced, full, changesPerSecond: rate('changes'), answersPerSecond: rate('answers') }
}

function figures(way: string, readings: readonly Reading[], alone: readonly Reading[]): readonly Figure[] {
  const of = (metric: string, unit: string, one: (reading: Reading, i: number) => number): Figure => {
    return { metric: `${way}: ${metric}`, unit, values: readings.map(one) }
  }
  const cost = ({ cpuMs, transitions }: Worked): number => (cpuMs / transitions) * 1_000
  const perSecond = ({ transitions, wallMs }: Worked): number => (transitions / wallMs) * 1_000
  const all = [
    of('paced, kept', 'transitions/s', ({ paced }) => perSecond(paced)),
    of('paced, processor time of the engine', 'µs/transition', ({ paced }) => cost(paced)),
    of('window', 'transitions/s', ({ full }) => perSecond(full)),
    of('window, processor time of the engine', 'µs/transition', ({ full }) => cost(full)),
  ]
  if (way === ways[0]) return all
  const lost = (now: Worked, other: Worked | undefined): number =>
    (1 - perSecond(now) / (other === undefined ? Number.NaN : perSecond(other))) * 100
  return [
    ...all,
    of('paced, throughput lost', '%', ({ paced }, i) => lost(paced, alone[i]?.paced)),
    of(
      'paced, processor time more',
      'µs/transition',
      ({ paced }, i) => cost(paced) - (alone[i] === undefined ? Number.NaN : cost(alone[i].paced)),
    ),
    of('window, throughput lost', '%', ({ full }, i) => lost(full, alone[i]?.full)),
    of('paced, changes sent', '/s', ({ changesPerSecond }) => changesPerSecond),
    of('paced, answers asked for', '/s', ({ answersPerSecond }) => answersPerSecond),
  ]
}
