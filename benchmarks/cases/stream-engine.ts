/**
 * The engine with its records in Postgres and its events on a broker, beside the engine with everything on Postgres: the same
 * load in turns, so that what the machine does otherwise hits both alike.
 */
import type { EventStreamer } from '@workflow/core/adapter'
import type { Case } from '../harness/bench.ts'
import { Completions } from '../harness/completions.ts'
import { openDatabase } from '../harness/database.ts'
import { window } from '../harness/loads.ts'
import { meter } from '../harness/meter.ts'
import { ordersWorkflow, stepsPerRun } from '../harness/orders.ts'
import { type BenchServer, startServer } from '../harness/postgres-schema.ts'
import type { Figure } from '../harness/report.ts'
import { assertAllCompleted, assertAllHandled, assertAllSent } from '../streams/engine-audit.ts'
import { Passage } from '../streams/passage.ts'
import type { StreamTarget } from '../streams/stream-target.ts'

interface Way {
  readonly name: string
  /** Absent: events stay in the database. */
  readonly broker?: StreamTarget
}

/** One turn of one way. */
interface Turn {
  /** From the first trigger to the commit of the last transition. */
  readonly committedMs: number
  /** To the acknowledgement of the last event. */
  readonly handledMs: number
  /** Of this process, until then. */
  readonly cpuMs: number
  /** Of Postgres and the broker, until then. NaN where they cannot be asked. */
  readonly serverCpuMs: number
}

/** Before the clock starts, so that slots are shared out and connections and topics are there. */
const firstRuns = 200
/** Rounds for nothing: the JVM of a broker still makes code of its own after hundreds of thousands of events. */
const warmUps = 3

/** A case that keeps 1,000 runs in flight on Postgres alone, and on Postgres and the broker. */
export function streamEngine(target: () => Promise<StreamTarget>, about: (text: string) => void): Case {
  return {
    name: 'engine',
    runs: 40_000,
    measure: async ({ runs, repeats }) => {
      const server = await startServer()
      try {
        about(server.about)
        await using broker = await target()
        const ways: readonly Way[] = [{ name: 'Postgres' }, { name: `Postgres and ${broker.name}`, broker }]
        const turns = new Map<Way, Turn[]>(ways.map((way) => [way, []]))
        for (let round = -warmUps; round < repeats; round++) {
          for (const place of ways.keys()) {
            // Each round begins with the other one.
            const way = ways[(place + Math.abs(round)) % ways.length]
            if (way === undefined) continue
            const turn = await once(server, way, runs)
            if (round >= 0) turns.get(way)?.push(turn)
          }
        }
        return figures(turns, runs * stepsPerRun)
      } finally {
        await server.stop()
      }
    },
  }
}

async function once(server: BenchServer, { broker }: Way, runs: number): Promise<Turn> {
  const begun = new Date()
  await using place = await server.place()
  await using database = openDatabase(place.address)
  await using opened = broker === undefined ? undefined : disposable(broker.open())
  const [completions, passage] = [new Completions(), new Passage()]
  const eventStreamer: EventStreamer = passage.through(opened?.eventStreamer ?? database.eventStreamer)
  await using workflow = ordersWorkflow({ ...database, eventStreamer }, completions)
  await workflow.run()
  // Each run has an event of its creation, which is the first one's work, and the last one is nobody's work.
  const passed = (count: number): Promise<void> =>
    passage.until({ sent: broker === undefined ? 0 : count * (stepsPerRun + 1), handled: count * stepsPerRun })
  await window({ workflow, completions, prefix: 'first', runs: firstRuns })
  await passed(firstRuns)
  globalThis.gc?.()

  const serverCpuMs = (): number => (place.serverCpuMs() ?? Number.NaN) + (broker?.server().cpuMs ?? 0)
  const before = serverCpuMs()
  const read = meter()
  await window({ workflow, completions, prefix: 'run', runs })
  const { wallMs: committedMs } = read()
  await passed(firstRuns + runs)
  const { wallMs: handledMs, cpuMs } = read()
  const after = serverCpuMs()

  await assertAllCompleted(database.recordStore, firstRuns + runs)
  await assertAllHandled(eventStreamer)
  if (broker !== undefined) await assertAllSent(eventStreamer, firstRuns + runs, begun)
  return { committedMs, handledMs, cpuMs, serverCpuMs: after - before }
}

function disposable(opened: ReturnType<StreamTarget['open']>): ReturnType<StreamTarget['open']> & AsyncDisposable {
  return { ...opened, [Symbol.asyncDispose]: opened.close }
}

function figures(turns: ReadonlyMap<Way, readonly Turn[]>, transitions: number): readonly Figure[] {
  const perSecond = (ms: number): number => (transitions / ms) * 1_000
  const perTransition = (ms: number): number => (ms / transitions) * 1_000
  const [[, without = []] = []] = turns
  return [...turns].flatMap(([{ name, broker }, each]) => {
    const share = (ms: (turn: Turn) => number): readonly number[] =>
      each.flatMap((turn, round) => {
        const other = without[round]
        return other === undefined ? [] : [(ms(other) / ms(turn)) * 100]
      })
    const told: readonly Figure[] = [
      { metric: `${name}: to the last commit`, unit: 'transitions/s', values: each.map(({ committedMs }) => perSecond(committedMs)) },
      { metric: `${name}: to the last event handled`, unit: 'transitions/s', values: each.map(({ handledMs }) => perSecond(handledMs)) },
      { metric: `${name}: processor time`, unit: 'µs/transition', values: each.map(({ cpuMs }) => perTransition(cpuMs)) },
      {
        metric: `${name}: processor time of servers`,
        unit: 'µs/transition',
        values: each.map(({ serverCpuMs }) => perTransition(serverCpuMs)).filter((value) => !Number.isNaN(value)),
      },
      ...(broker === undefined
        ? []
        : [
            { metric: `${name}: to the last commit, of Postgres`, unit: '%', values: share(({ committedMs }) => committedMs) },
            { metric: `${name}: to the last event handled, of Postgres`, unit: '%', values: share(({ handledMs }) => handledMs) },
          ]),
    ]
    return told.filter(({ values }) => values.length > 0)
  })
}
