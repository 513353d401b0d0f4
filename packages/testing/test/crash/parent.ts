/** The world around the workers: starts runs, answers approvals, pauses and resumes, and remembers what it was told. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isWorkflowError, type WorkflowClient } from '@workflow/core'
import type { CrashPorts, CrashTarget } from './crash-target.ts'
import { type Parcels, parcels } from './parcel-workflow.ts'

const lookEveryMs = 40

export class Parent {
  readonly client: WorkflowClient<Parcels>
  readonly triggered: Set<string> = new Set()
  readonly accepted: Set<string> = new Set()
  readonly #ports: CrashPorts
  readonly #random: () => number
  readonly #seen = new Set<string>()
  readonly #ending = new AbortController()
  readonly #loop: Promise<void>
  #runs = 0
  /** Why the engine has paused runs by itself. */
  readonly enginePauses: string[] = []

  constructor(target: CrashTarget, random: () => number) {
    this.#ports = target.open()
    this.#random = random
    this.client = parcels.client({ ...this.#ports, ...target.client })
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
    const states = await patiently(() => this.#ports.recordStore.count({ workflowName: parcels.name }, 'runState'))
    return (states.get('Initiated') ?? 0) + (states.get('Running') ?? 0) + (states.get('Paused') ?? 0)
  }

  async end(): Promise<void> {
    this.#ending.abort()
    await this.#loop
    await this.client.close()
    await this.#ports.close()
  }

  async #answer(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const waiting = await patiently(() => this.client.list({ status: 'approval', state: ['Running'], order: 'oldest', limit: 200 }))
      for (const { runId } of waiting.items) {
        if (this.#seen.has(runId)) continue
        this.#seen.add(runId)
        await this.#decide(runId)
      }
      const paused = await patiently(() => this.client.list({ state: 'Paused', limit: 200 }))
      for (const { runId } of paused.items) await this.#resume(runId)
      await sleep(lookEveryMs)
    }
  }

  /** A third is left to time out; some are paused first, and resumed at the next look. */
  async #decide(runId: string): Promise<void> {
    const chance = this.#random()
    if (chance < 0.1) await ignoring('IllegalMove', () => this.client.pause(runId, { reason: 'to look at it', actor: 'the test' }))
    if (chance < 0.33) return
    // Under a key of its own: asked again, it is the same one.
    const receipt = await ignoring('RunNotWaiting', () =>
      this.client.callback({ runId }, 'approval', { approved: chance < 0.8 }, { key: runId }),
    )
    if (receipt !== undefined) this.accepted.add(runId)
  }

  async #resume(runId: string): Promise<void> {
    const { waitsFor } = await patiently(() => this.client.explain(runId))
    for (const one of waitsFor)
      if (one.kind === 'person' && one.pausedBy === 'engine') this.enginePauses.push(`run ${runId}: ${one.reason}`)
    await ignoring('IllegalMove', () => this.client.resume(runId, { reason: 'seen', actor: 'the test' }))
  }
}

/** The database may be away for a while. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isWorkflowError(error, 'StoreUnavailable')) throw error
      await sleep(lookEveryMs)
    }
  }
}

/** The workers go on meanwhile: a run may have moved since it was listed. */
async function ignoring<T>(code: 'IllegalMove' | 'RunNotWaiting', work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await patiently(work)
  } catch (error) {
    if (isWorkflowError(error, code)) return undefined
    throw error
  }
}
