/** New runs at a steady rate, some of them under foreign ids that have an unfinished one. */
import { isWorkflowError } from '@workflow/core'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Parent } from '../../packages/testing/test/crash/parent.ts'

const everyMs = 100
const rivalShare = 0.3

export class Load {
  readonly faults: string[] = []
  /** Attempts that were refused because the foreign id had an unfinished run. */
  refused = 0
  readonly #parent: Parent
  readonly #perSecond: number
  readonly #random: () => number
  #asked = 0
  #going: Promise<void> | undefined
  #ending = false

  constructor(parent: Parent, perSecond: number, random: () => number) {
    this.#parent = parent
    this.#perSecond = perSecond
    this.#random = random
  }

  start(): void {
    this.#going = this.#go().catch((error: unknown) => void this.faults.push(`no more runs could be begun: ${String(error)}`))
  }

  /** Ends it, and triggers what is missing to a number of runs. */
  async finish(runsMin: number): Promise<void> {
    this.#ending = true
    await this.#going
    while (this.#parent.triggered.size < runsMin) await this.#trigger(Math.min(200, runsMin - this.#parent.triggered.size))
  }

  async #go(): Promise<void> {
    const began = performance.now()
    while (!this.#ending) {
      const due = Math.floor(((performance.now() - began) / 1_000) * this.#perSecond)
      if (due > this.#asked) await this.#trigger(Math.min(200, due - this.#asked))
      if (this.#random() < rivalShare) await this.#rivals()
      await sleep(everyMs)
    }
  }

  async #trigger(count: number): Promise<void> {
    this.#asked += count
    await this.#parent.trigger(count)
  }

  /** Two at once under a foreign id that was used before: one of them may find it free, never both. */
  async #rivals(): Promise<void> {
    if (this.#asked === 0) return
    const foreignId = `parcel-${Math.floor(this.#random() * this.#asked)}`
    const initialValue = { large: true, labels: 0, handled: 0 }
    const both = await Promise.allSettled([1, 2].map(() => this.#parent.client.trigger(foreignId, { initialValue })))
    const begun = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    for (const runId of begun) this.#parent.triggered.add(runId)
    if (begun.length > 1) this.faults.push(`two runs of ${foreignId} were begun at once: ${begun.join(' and ')}`)
    for (const one of both) {
      if (one.status === 'fulfilled') continue
      this.refused++
      if (!isWorkflowError(one.reason, 'WorkflowInProgress')) this.faults.push(`a rival of ${foreignId} got ${String(one.reason)}`)
    }
  }
}
