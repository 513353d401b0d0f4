import type { EventReceiver, EventStreamer, ReceiverSpec, RunEvent, SlotClaim } from '@workflow/core/adapter'
import type { CaseDefinition, CaseScope, NeedOf } from '../conformance-case.ts'
import { claimsOf } from '../fences.ts'
import type { EventStreamerBackend, EventStreamerCapabilities, EventStreamerInstance, Feed, Sizes } from '../harness.ts'
import { Opened } from '../opened.ts'
import { slotsCount, workflowName } from '../runs.ts'
import { waitingOn, type Waiting } from '../waiting.ts'
import { Publisher, topicDefault } from './publisher.ts'

/** What a case about an EventStreamer works with. */
export interface EventStreamerScope extends CaseScope, Waiting {
  readonly backend: EventStreamerBackend
  readonly capabilities: EventStreamerCapabilities
  readonly feed: Feed
  readonly sizes: Sizes
  readonly open: () => Promise<EventStreamerInstance>
  /** Sends through an instance. */
  readonly publisher: (instance: EventStreamerInstance) => Publisher
  /** An instance that has ensured a layout, and its publisher. */
  readonly stream: (
    receivers: readonly ReceiverSpec[],
    topics?: readonly string[],
  ) => Promise<{ readonly instance: EventStreamerInstance; readonly streamer: EventStreamer; readonly publisher: Publisher }>
}

export type EventStreamerCase = CaseDefinition<EventStreamerScope, NeedOf<EventStreamerCapabilities>> & {
  /** The feeds that the case is about. @default all */
  readonly feeds?: readonly Feed[]
}

/** Every slot of the workflow that cases are about. */
export const allSlots: readonly number[] = Array.from({ length: slotsCount }, (_, slot) => slot)

/** A receiver of the default topic from its beginning. */
export const stepReceiver: ReceiverSpec = { name: 'orders', topics: [topicDefault], from: 'earliest' }

/** Creates topics and receivers of the workflow that cases are about. */
export function ensure(
  streamer: EventStreamer,
  receivers: readonly ReceiverSpec[],
  topics: readonly string[] = [topicDefault],
): Promise<void> {
  return streamer.ensure({ workflowName, topics, slots: slotsCount, receivers })
}

/** Opens a durable receiver, for all slots unless claims are given. */
export function openReceiver(
  streamer: EventStreamer,
  spec: ReceiverSpec = stepReceiver,
  claims: readonly SlotClaim[] = claimsOf(allSlots),
): Promise<EventReceiver<RunEvent>> {
  return streamer.newReceiver({ ...spec, durable: true, workflowName, claims })
}

/** Versions, for comparing what came with what was sent. */
export function versionsOf(deliveries: readonly { readonly event: RunEvent }[]): readonly number[] {
  return deliveries.map(({ event }) => event.version)
}

export function newEventStreamerScope(
  backend: EventStreamerBackend,
  capabilities: EventStreamerCapabilities,
  feed: Feed,
): EventStreamerScope {
  const opened = new Opened(backend.open)
  const waiting = waitingOn(backend.time)
  const open = (): Promise<EventStreamerInstance> => opened.instance()
  const publisher = (instance: EventStreamerInstance): Publisher => new Publisher(instance, feed, backend.time.clock.now)
  return {
    ...waiting,
    backend,
    capabilities,
    feed,
    sizes: capabilities.sizes ?? {},
    open,
    publisher,
    stream: async (receivers, topics) => {
      const instance = await open()
      await ensure(instance.port, receivers, topics)
      return { instance, streamer: instance.port, publisher: publisher(instance) }
    },
    end: () => waiting.within(opened.closeAll(), 'close comes to an end'),
  }
}
