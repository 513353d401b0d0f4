/** Puts events into a stream the way its feed does: by commits of the store that it reads, or through a sender. */
import type { EventSender, NextRecord, RunEvent } from '@workflow/core/adapter'
import { checkPresent, checkThat } from '../check.ts'
import type { EventStreamerInstance, Feed } from '../harness.ts'
import { changeOf, eventOf, moved, newId, newRun } from '../runs.ts'

/** The topic that events go to unless a case says otherwise. */
export const topicDefault = 'orders/created'

/** A run whose events a case sends. */
export interface PublishedRun {
  readonly runId: string
  readonly slot: number
  readonly workflowName: string
}

export interface PublishOptions {
  readonly topics?: readonly string[]
  /** How many versions. @default 1 */
  readonly count?: number
}

export class Publisher {
  readonly #instance: EventStreamerInstance
  readonly #feed: Feed
  readonly #now: () => number
  readonly #records = new Map<string, NextRecord>()
  #sender: EventSender | undefined

  constructor(instance: EventStreamerInstance, feed: Feed, now: () => number) {
    this.#instance = instance
    this.#feed = feed
    this.#now = now
  }

  /** A run of which nothing has been sent. */
  run(slot = 0, workflowName = 'orders'): PublishedRun {
    return { runId: newId('run'), slot, workflowName }
  }

  /** Sends the next versions of a run, and answers their events. */
  async send(run: PublishedRun, { topics = [topicDefault], count = 1 }: PublishOptions = {}): Promise<readonly RunEvent[]> {
    const events: RunEvent[] = []
    for (let n = 0; n < count; n++) {
      const previous = this.#records.get(run.runId)
      const at = new Date(Math.trunc(this.#now()))
      const next =
        previous === undefined
          ? newRun({ runId: run.runId, workflowName: run.workflowName, createdAt: at, updatedAt: at, entered: { version: 1, at } })
          : moved(previous, { updatedAt: at })
      const event = eventOf(next, previous, { topics, slot: run.slot })
      this.#records.set(run.runId, next)
      events.push(event)
      if (this.#feed === 'store') {
        const id = newId('unit')
        const answer = await this.#store().commit({ id, changes: [changeOf(id, next, previous, { event })] })
        checkThat(answer.ok, 'the store that feeds the stream commits')
      }
    }
    if (this.#feed === 'sender') await (await this.#ready()).send(events)
    return events
  }

  /** Sends the current version of a run once more. */
  async resend(run: PublishedRun, topics: readonly string[] = [topicDefault]): Promise<RunEvent> {
    const record = checkPresent(this.#records.get(run.runId), 'a run of which something was sent')
    const event = eventOf(record, record, { topics, slot: run.slot, kind: 'reemit' })
    if (this.#feed === 'sender') await (await this.#ready()).send([event])
    else await this.#store().commit({ id: newId('unit'), emit: [event] })
    return event
  }

  #store(): NonNullable<EventStreamerInstance['store']> {
    return checkPresent(this.#instance.store, 'an instance that is fed by a store has `store`')
  }

  async #ready(): Promise<EventSender> {
    this.#sender ??= await this.#instance.port.newSender()
    return this.#sender
  }
}
