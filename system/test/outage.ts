/** A broker that is away while work goes on: what the relay from the outbox does then, and afterwards. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { outboxFaults, settled } from './leftovers.ts'
import { transitionsOf } from './moves.ts'
import { Network } from './network.ts'
import { openPorts, prefix } from './ports.ts'
import type { RelayReport } from './relay-process.ts'
import { sentEvents } from './sent-events.ts'
import { type BrokerKind, type Member, type Servers, startServers } from './servers.ts'
import { committedOf, streamAudit } from './stream-audit.ts'
import { eventsPerRun, tickets } from './ticket-workflow.ts'

export interface OutageOptions {
  readonly broker: BrokerKind
  /** Whether it hangs, or is gone. */
  readonly how: 'paused' | 'killed'
  readonly outageMs: number
  /** Runs begun per second, before and while it is away. */
  readonly rate: number
}

/** See `RelayReport`. */
export type Memory = Pick<RelayReport, 'live' | 'resident'>

export interface OutageResult {
  /** Every broken promise in words. */
  readonly faults: readonly string[]
  readonly transitions: number
  /** Events that waited in the outbox when the broker came back. */
  readonly backlog: number
  /** In so many calls they were sent. */
  readonly sends: number
  /** From the broker's return until the last of them was sent, in ms. */
  readonly drainedMs: number
  /** Of the process, in bytes: the most before, while the broker was away, and while the backlog was sent. */
  readonly before: Memory
  readonly away: Memory
  readonly draining: Memory
  readonly failures: number
}

/** By default a thousand events go out together. What the relay had read when the broker went were fewer. */
export function sendsMax(backlog: number): number {
  return Math.ceil(backlog / 1_000) + 5
}

const warmMs = 1_000
const everyMs = 100
const settleMsMax = 120_000

export async function outage(options: OutageOptions): Promise<OutageResult> {
  using servers = await startServers(options.broker, 'postgres', { nats: 1, etcd: 0 })
  await using network = new Network(servers, '3s')
  const relay = new Relay(network)
  try {
    await relay.started
    // Not before it has ended are its servers stopped.
    return await measured(options, servers, network, relay)
  } finally {
    relay.kill()
  }
}

async function measured(options: OutageOptions, servers: Servers, network: Network, relay: Relay): Promise<OutageResult> {
  const { rate, outageMs, how } = options
  const [member] = servers.broker
  if (member === undefined) throw new Error('there is no broker')
  const ports = openPorts(network.straight, 'auditor', silent)
  const calm = async (): Promise<readonly string[]> =>
    servers.postgres.session((client) => settled(ports, tickets.name, client, settleMsMax))
  try {
    await relay.work(rate, warmMs)
    const faults = [...(await calm())]
    const before = relay.peak()
    await away(member, how)
    await relay.work(rate, outageMs)
    const atReturn = await relay.told()
    const awayPeak = relay.peak()
    // Each run of the relay's own goes on by itself: what it has committed waits in the outbox.
    const backlog = (await servers.postgres.session(transitionsOf)) - atReturn.events
    await back(member, how)
    const backAt = performance.now()
    const expected = relay.asked * eventsPerRun
    const drainedMs = (await relay.sentAll(expected, settleMsMax)) - backAt
    const sent = await relay.told()
    faults.push(...(await calm()))
    const drainPeak = relay.peak()
    await relay.leave()
    faults.push(...(await outboxFaults(ports, tickets.name)))
    const found = await sentEvents(network.straight, prefix, tickets.name)
    const stream = streamAudit(await servers.postgres.session(committedOf), found)
    if (stream.committed !== expected)
      faults.push(`${stream.committed} transitions were committed of ${relay.asked} runs with ${eventsPerRun} each`)
    return {
      faults: [...faults, ...stream.faults],
      transitions: stream.committed,
      backlog,
      sends: sent.sends.slice(atReturn.sends.length).findIndex((events) => events >= atReturn.events + backlog) + 1,
      drainedMs,
      before,
      away: awayPeak,
      draining: drainPeak,
      failures: sent.failures,
    }
  } finally {
    await ports.close()
  }
}

async function away({ daemon }: Member, how: OutageOptions['how']): Promise<void> {
  if (how === 'paused') await daemon.pause()
  else await daemon.kill()
}

async function back({ daemon }: Member, how: OutageOptions['how']): Promise<void> {
  if (how === 'paused') daemon.resume()
  else await daemon.start()
}

const noMemory: Memory = { live: 0, resident: 0 }

/** The process with the relay. */
class Relay {
  readonly #process: ChildProcess
  #last: RelayReport = { sends: [], failures: 0, events: 0, live: 0, resident: 0, runs: 0 }
  #peak: Memory = noMemory
  readonly started: Promise<unknown>
  /** How many runs it was told to begin. */
  asked = 0

  constructor(network: Network) {
    const file = new URL('relay-process.ts', import.meta.url)
    this.#process = fork(file, [JSON.stringify(network.straight)], {
      execArgv: ['--conditions=@workflow/source', '--expose-gc'],
    })
    this.started = Promise.race([
      once(this.#process, 'message'),
      once(this.#process, 'exit').then(([code, signal]) => {
        throw new Error(`the process with the relay has ended with ${String(signal ?? code)}`)
      }),
    ])
    // Nothing else is sent.
    this.#process.on('message', (report) => {
      this.#last = report as RelayReport
      const { live, resident } = this.#last
      this.#peak = { live: Math.max(this.#peak.live, live), resident: Math.max(this.#peak.resident, resident) }
    })
  }

  /** The most memory since the last time that this was asked. */
  peak(): Memory {
    const peak = this.#peak
    this.#peak = noMemory
    return peak
  }

  /** The next report. */
  async told(): Promise<RelayReport> {
    await once(this.#process, 'message')
    return this.#last
  }

  /** Begins runs at a steady rate for a while. */
  async work(rate: number, ms: number): Promise<void> {
    const began = performance.now()
    for (let asked = 0; performance.now() - began < ms; await sleep(everyMs)) {
      const due = Math.floor(((performance.now() - began) / 1_000) * rate) - asked
      if (due > 0) this.#process.send(due)
      this.asked += Math.max(0, due)
      asked += Math.max(0, due)
    }
  }

  /** When it has sent so many events, by `performance.now()`. */
  async sentAll(events: number, withinMs: number): Promise<number> {
    for (const until = performance.now() + withinMs; this.#last.events < events && performance.now() < until; ) await this.told()
    return performance.now()
  }

  async leave(): Promise<void> {
    const exit = once(this.#process, 'exit')
    this.#process.send('leave')
    await exit
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }
}

const nothing = (): void => undefined
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing }
