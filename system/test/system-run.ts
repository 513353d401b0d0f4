/** One test of the whole: workers on all servers, work that goes on, misfortunes one after the other, and an audit of what is left. */
import { type Duration, durationMs } from '@workflow/core/adapter'
import { setTimeout as sleep } from 'node:timers/promises'
import { audit } from '../../packages/testing/test/crash/audit.ts'
import { drained } from '../../packages/testing/test/crash/crash-cycles.ts'
import { readLedger } from '../../packages/testing/test/crash/ledger.ts'
import { Parent } from '../../packages/testing/test/crash/parent.ts'
import { parcels } from '../../packages/testing/test/crash/parcel-workflow.ts'
import { seededRandom } from '../../packages/testing/test/crash/seeded-random.ts'
import { Crew, type Worker } from './crew.ts'
import { outboxFaults, settled, slots, slotsOf, tableFaults } from './leftovers.ts'
import { Load } from './load.ts'
import { type Misfortune, misfortunesOf, type Scene } from './misfortunes.ts'
import { type Incident, movedSince, movesOf, newestEvent, recoveriesOf, type Recovery } from './moves.ts'
import { Network } from './network.ts'
import { openPorts, prefix } from './ports.ts'
import { RoleLog, roleFaults, type RoleLine, rolesOf } from './role-log.ts'
import { sentEvents } from './sent-events.ts'
import { type BrokerKind, type RoleKind, type Servers, type ServerSizes, startServers } from './servers.ts'
import { committedOf, streamAudit } from './stream-audit.ts'

export interface SystemOptions {
  readonly broker: BrokerKind
  readonly roles: RoleKind
  readonly sizes: ServerSizes
  /** At least so many. */
  readonly runs: number
  readonly workers: number
  /** How many misfortunes there are. */
  readonly cycles: number
  /** After so long no more of them begin. @default no limit */
  readonly happenMsMax?: number
  readonly seed: number
  /** New runs per second while misfortunes happen. */
  readonly rate: number
  readonly lease: Duration
  /** How long nothing else happens once all slots have moved on. */
  readonly calmMs: number
  /** An existing folder for logs. */
  readonly folder: string
  /** Which kinds of misfortunes, in this order, over and over. @default all, in an order drawn by chance */
  readonly kinds?: readonly string[]
  readonly progress?: (text: string) => void
}

export interface SystemResult {
  /** Every broken promise in words. */
  readonly faults: readonly string[]
  readonly incidents: readonly Incident[]
  readonly recoveries: readonly Recovery[]
  readonly counts: Readonly<Record<string, number>>
  /** Why the engine has paused runs by itself. */
  readonly enginePauses: readonly string[]
}

/** How long a slot may stand still after a misfortune before that is a fault. */
const stillMsMax = 60_000
const lookEveryMs = 50
/** The first ones start while servers make topics. */
const startMsMax = 180_000

/** What happened, before it is known which slots it concerned. */
interface Happening extends Omit<Incident, 'slots' | 'until'> {
  readonly whom: Worker | 'all'
  readonly joined: boolean
}

export async function systemRun(options: SystemOptions): Promise<SystemResult> {
  using servers = await startServers(options.broker, options.roles, options.sizes)
  await using network = new Network(servers, options.lease)
  // Not before it has ended are its servers stopped.
  return await new SystemRun(options, servers, network).run()
}

class SystemRun {
  readonly #options: SystemOptions
  readonly #servers: Servers
  readonly #network: Network
  readonly #crew: Crew
  readonly #parent: Parent
  readonly #load: Load
  readonly #scene: Scene
  readonly #roles: RoleLog
  readonly #deck: () => readonly [string, Misfortune]
  readonly #happenings: Happening[] = []
  /** When the last happening had its time: then the load ends, and slots stand because there is nothing to do. */
  #overAt = 0
  readonly #faults: string[] = []

  constructor(options: SystemOptions, servers: Servers, network: Network) {
    this.#options = options
    this.#servers = servers
    this.#network = network
    // Each has a chance of its own: what happens does not depend on how fast the others are.
    const chance = (n: number): (() => number) => seededRandom(options.seed * 5 + n)
    const { folder, lease, rate } = options
    const files = { ledger: `${folder}/ledger.ndjson`, roles: `${folder}/roles.ndjson`, log: `${folder}/workers.log` }
    this.#roles = new RoleLog(files.roles)
    this.#crew = new Crew(network, files, chance(0))
    const target = {
      open: () => openPorts(network.straight, 'parent', silent),
      client: { storeTimeout: '2m', logger: silent },
      program: new URL('worker-process.ts', import.meta.url),
      argumentsOf: () => [],
      faults: async () => [],
    } as const
    this.#parent = new Parent(target, chance(1))
    this.#load = new Load(this.#parent, rate, chance(2))
    this.#scene = { servers, network, crew: this.#crew, leaseMs: durationMs(lease, 'the lease'), random: chance(3) }
    this.#deck = deckOf(misfortunesOf(servers), options.kinds, chance(4))
  }

  async run(): Promise<SystemResult> {
    try {
      await this.#happen()
      await this.#finish()
      return await this.#judge()
    } finally {
      await this.#crew.killAll()
      await this.#parent.end()
    }
  }

  async #happen(): Promise<void> {
    const { workers, cycles, calmMs, happenMsMax = Infinity, progress } = this.#options
    const until = performance.now() + happenMsMax
    // The first question makes the tables.
    await this.#parent.unfinished()
    await Promise.all(Array.from({ length: workers }, () => this.#crew.start()))
    this.#load.start()
    await this.#movingOn('the start', '0', startMsMax)
    await sleep(calmMs)
    this.#happenings.push({ what: '(nothing)', began: Date.now(), over: Date.now(), whom: 'all', joined: false })
    await sleep(calmMs)
    for (let cycle = 1; cycle <= cycles && performance.now() < until; cycle++) {
      const [what, misfortune] = this.#deck()
      progress?.(`${cycle} of ${cycles}; ${this.#parent.triggered.size} runs, ${await this.#parent.unfinished()} unfinished`)
      await this.#incident(what, false, () => misfortune(this.#scene))
      while (this.#crew.alive.length < workers) await this.#incident('worker joined', true, () => this.#crew.start())
    }
    this.#overAt = Date.now()
  }

  async #incident(what: string, joined: boolean, happen: () => Promise<Worker | 'all'>): Promise<void> {
    const began = Date.now()
    const whom = await happen()
    const over = Date.now()
    this.#happenings.push({ what, began, over, whom, joined })
    const newest = await this.#servers.postgres.session(newestEvent)
    if (joined && whom !== 'all') await this.#holds(whom)
    await this.#movingOn(what, newest, stillMsMax)
    this.#options.progress?.(`${what}: ${over - began} ms; every slot has moved on ${Date.now() - over} ms later`)
    await sleep(this.#options.calmMs)
  }

  /** Until every slot has moved on. */
  async #movingOn(after: string, event: string, withinMs: number): Promise<void> {
    const until = performance.now() + withinMs
    await this.#servers.postgres.session(async (client) => {
      for (;;) {
        const moved = await movedSince(client, event)
        if (moved.size === slots) return
        if (performance.now() > until) {
          const still = Array.from({ length: slots }, (_, slot) => slot).filter((slot) => !moved.has(slot))
          this.#faults.push(`slots ${still.join(', ')} have not moved on within ${withinMs} ms of '${after}'`)
          return
        }
        await sleep(lookEveryMs)
      }
    })
  }

  /** Until a worker that has joined works in a slot. */
  async #holds({ pid }: Worker): Promise<void> {
    for (const until = performance.now() + stillMsMax; performance.now() < until; await sleep(lookEveryMs))
      if (rolesOf(this.#roles.lines(), pid, Infinity).size > 0) return
    this.#faults.push(`a worker that has joined was given nothing within ${stillMsMax} ms`)
  }

  /** All work is done, and everybody leaves. */
  async #finish(): Promise<void> {
    this.#options.progress?.('no more misfortunes')
    await this.#load.finish(this.#options.runs)
    await drained(this.#parent)
    const ports = openPorts(this.#network.straight, 'auditor', silent)
    try {
      this.#faults.push(...(await this.#servers.postgres.session((client) => settled(ports, parcels.name, client, stillMsMax))))
      await Promise.all(this.#crew.alive.map((worker) => this.#crew.leave(worker)))
      this.#faults.push(...(await outboxFaults(ports, parcels.name)))
    } finally {
      await ports.close()
    }
  }

  async #judge(): Promise<SystemResult> {
    const { files } = this.#crew
    const ledger = readLedger(files.ledger)
    const roles = this.#roles.lines()
    const sent = await sentEvents(this.#network.straight, prefix, parcels.name)
    const { triggered, accepted, enginePauses, client } = this.#parent
    const seen = await audit(client, { triggered, accepted, ledger })
    return this.#servers.postgres.session(async (session) => {
      const stream = streamAudit(await committedOf(session), sent)
      const moves = await movesOf(session)
      const incidents = this.#incidents(roles)
      const faults = [
        ...this.#faults,
        ...this.#load.faults,
        ...this.#crew.faults,
        ...this.#crew.alarms(),
        ...seen,
        ...(await tableFaults(session)),
        ...stream.faults,
        ...roleFaults(roles),
      ]
      const counts = {
        runs: triggered.size,
        transitions: stream.committed,
        handlerCalls: ledger.length,
        repeatedCalls: ledger.length - new Set(ledger.map(({ key, kind }) => `${kind} ${key}`)).size,
        callbacks: accepted.size,
        rivalsRefused: this.#load.refused,
        kills: this.#crew.kills,
        workers: this.#crew.started,
        sentAgain: stream.again,
      }
      return { faults, incidents, recoveries: recoveriesOf(incidents, moves), counts, enginePauses }
    })
  }

  #incidents(roles: readonly RoleLine[]): readonly Incident[] {
    const all = Array.from({ length: slots }, (_, slot) => slot)
    return this.#happenings.map(({ what, began, over, whom, joined }, n) => {
      const until = this.#happenings[n + 1]?.began ?? this.#overAt
      const its = whom === 'all' ? all : slotsOf(rolesOf(roles, whom.pid, joined ? until : began))
      return { what, began, over, until, slots: its }
    })
  }
}

type Card = readonly [what: string, misfortune: Misfortune]

/** What is wanted in its order; else every kind once, and those of workers twice, in an order drawn by chance. And then anew. */
function deckOf(kinds: ReadonlyMap<string, Misfortune>, wanted: readonly string[] | undefined, random: () => number): () => Card {
  const all = [...kinds].flatMap((kind) => (kind[0].startsWith('worker') ? [kind, kind] : [kind]))
  const shuffled = (): readonly Card[] =>
    all
      .map((card) => ({ card, place: random() }))
      .sort((a, b) => a.place - b.place)
      .map(({ card }) => card)
  const named = (name: string): Card => {
    const misfortune = kinds.get(name)
    if (misfortune === undefined) throw new Error(`there is no misfortune '${name}'; there are: ${[...kinds.keys()].join(', ')}`)
    return [name, misfortune]
  }
  const chosen = wanted?.map(named)
  let deck: readonly Card[] = []
  return () => {
    if (deck.length === 0) deck = chosen ?? shuffled()
    const [next, ...others] = deck
    deck = others
    if (next === undefined) throw new Error('there is nothing to happen')
    return next
  }
}

const nothing = (): void => undefined
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing }
