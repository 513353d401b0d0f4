/** The world around the workers: starts runs, answers approvals, pauses and resumes, and remembers what it was told. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Duration, isWorkflowError, type WorkflowClient } from '@workflow/core'
import { sqlite, type Sqlite } from '../../src/index.ts'
import { type Parcels, parcels } from './parcel-workflow.ts'

const lookEveryMs = 40

export class Parent {
  readonly client: WorkflowClient<Parcels>
  readonly triggered: Set<string> = new Set()
  readonly accepted: Set<string> = new Set()
  readonly #database: Sqlite
  readonly #random: () => number
  readonly #seen = new Set<string>()
  readonly #ending = new AbortController()
  readonly #loop: Promise<void>
  #runs = 0
  /** Why the engine has paused runs by itself. */
  readonly enginePauses: string[] = []

  constructor(file: string, lease: Duration, random: () => number) {
    this.#database = sqlite({ file, lease, busyTimeout: '20s' })
    this.#random = random
    this.client = parcels.client(this.#database)
    this.#loop = this.#answer()
  }

  async trigger(count: number): Promise<void> {
    await Promise.all(
      Array.from({ length: count }, async () => {
        const initialValue = { large: this.#random() < 0.4, labels: Math.floor(this.#random() * 3), handled: 0 }
        this.triggered.add(await this.client.trigger(`parcel-${this.#runs++}`, { initialValue }))
      }),
    )
  }

  /** How many runs are not finished. */
  async unfinished(): Promise<number> {
    const states = await this.#database.recordStore.count({ workflowName: parcels.name }, 'runState')
    return (states.get('Initiated') ?? 0) + (states.get('Running') ?? 0) + (states.get('Paused') ?? 0)
  }

  async end(): Promise<void> {
    this.#ending.abort()
    await this.#loop
    await this.#database.close()
  }

  async #answer(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const waiting = await this.client.list({ status: 'approval', state: ['Running'], order: 'oldest', limit: 200 })
      for (const { runId } of waiting.items) {
        if (this.#seen.has(runId)) continue
        this.#seen.add(runId)
        await this.#decide(runId)
      }
      const paused = await this.client.list({ state: 'Paused', limit: 200 })
      for (const { runId } of paused.items) await this.#resume(runId)
      await sleep(lookEveryMs)
    }
  }

  /** A third is left to time out; some are paused first, and resumed at the next look. */
  async #decide(runId: string): Promise<void> {
    const chance = this.#random()
    if (chance < 0.1) await ignoring(this.client.pause(runId, { reason: 'to look at it', actor: 'the test' }), 'IllegalMove')
    if (chance < 0.33) return
    const receipt = await ignoring(this.client.callback({ runId }, 'approval', { approved: chance < 0.8 }), 'RunNotWaiting')
    if (receipt !== undefined) this.accepted.add(runId)
  }

  async #resume(runId: string): Promise<void> {
    const { waitsFor } = await this.client.explain(runId)
    for (const one of waitsFor)
      if (one.kind === 'person' && one.pausedBy === 'engine') this.enginePauses.push(`run ${runId}: ${one.reason}`)
    await ignoring(this.client.resume(runId, { reason: 'seen', actor: 'the test' }), 'IllegalMove')
  }
}

/** The workers go on meanwhile: a run may have moved since it was listed. */
async function ignoring<T>(work: Promise<T>, code: 'IllegalMove' | 'RunNotWaiting'): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (isWorkflowError(error, code)) return undefined
    throw error
  }
}
