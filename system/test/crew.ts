/** The workers of a test: processes that are started, killed, paused, and asked to leave. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Network } from './network.ts'
import type { WorkerSettings } from './worker-settings.ts'

export interface Worker {
  readonly pid: number
  /** Its place among those that live at the same time, from 0. */
  readonly place: number
  readonly process: ChildProcess
  /** Why its end is no fault. */
  expected: boolean
}

/** What workers append to. */
export type CrewFiles = Pick<WorkerSettings, 'ledger' | 'roles' | 'log'>

const leaveMsMax = 25_000

export class Crew {
  readonly faults: string[] = []
  readonly files: CrewFiles
  alive: readonly Worker[] = []
  kills = 0
  started = 0
  readonly #network: Network
  readonly #taken = new Set<number>()
  readonly #random: () => number

  constructor(network: Network, files: CrewFiles, random: () => number) {
    this.#network = network
    this.files = files
    this.#random = random
  }

  async start(): Promise<Worker> {
    const place = this.#freePlace()
    this.#taken.add(place)
    const number = ++this.started
    const settings: WorkerSettings = {
      ...this.files,
      addresses: await this.#network.addressesOf(place),
      instance: `worker-${number}`,
      seed: Math.floor(this.#random() * 2 ** 31),
    }
    const program = fileURLToPath(new URL('worker-process.ts', import.meta.url))
    const child = spawn(process.execPath, ['--conditions=@workflow/source', program, JSON.stringify(settings)], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    // One that has died has no ears.
    child.stdin.on('error', () => undefined)
    const worker: Worker = { pid: child.pid ?? 0, place, process: child, expected: false }
    this.alive = [...this.alive, worker]
    child.once('exit', (code, signal) => {
      this.alive = this.alive.filter((other) => other !== worker)
      this.#taken.delete(place)
      if (!worker.expected) this.faults.push(`${settings.instance} was not asked to and has ended with ${signal ?? code}`)
      else if (signal === null && code !== 0) this.faults.push(`${settings.instance} has left with ${code}`)
    })
    return worker
  }

  /** Another one each time. */
  any(): Worker | undefined {
    return this.alive[Math.floor(this.#random() * this.alive.length)]
  }

  async kill(worker: Worker): Promise<void> {
    this.kills++
    await this.#ended(worker, () => worker.process.kill('SIGKILL'))
  }

  /** In good order: resolves when its process has ended by itself. */
  async leave(worker: Worker): Promise<void> {
    const limit = setTimeout(() => {
      this.faults.push(`process ${worker.pid} was asked to leave and is still there after ${leaveMsMax} ms`)
      worker.process.kill('SIGKILL')
    }, leaveMsMax)
    await this.#ended(worker, () => worker.process.stdin?.write('leave\n'))
    clearTimeout(limit)
  }

  /** Losses of events that workers were told of: nothing in these tests deletes any. */
  alarms(): readonly string[] {
    if (!existsSync(this.files.log)) return []
    const lines = readFileSync(this.files.log, 'utf8').split('\n')
    return lines.filter((line) => line.includes('EventsLost')).map((line) => `a false alarm: ${line}`)
  }

  async killAll(): Promise<void> {
    await Promise.all(this.alive.map((worker) => this.#ended(worker, () => worker.process.kill('SIGKILL'))))
  }

  #freePlace(): number {
    let place = 0
    while (this.#taken.has(place)) place++
    return place
  }

  async #ended(worker: Worker, end: () => void): Promise<void> {
    worker.expected = true
    const { process: child } = worker
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    end()
    await exit
  }
}
