import type { CaseDefinition, CaseScope, NeedOf } from '../conformance-case.ts'
import type { EventStreamerBackend, EventStreamerCapabilities, EventStreamerInstance, Feed, Sizes } from '../harness.ts'
import { Opened } from '../opened.ts'
import { waitingOn, type Waiting } from '../waiting.ts'

/** What a case about an EventStreamer works with. */
export interface EventStreamerScope extends CaseScope, Waiting {
  readonly backend: EventStreamerBackend
  readonly feed: Feed
  readonly sizes: Sizes
  readonly open: () => Promise<EventStreamerInstance>
}

export type EventStreamerCase = CaseDefinition<EventStreamerScope, NeedOf<EventStreamerCapabilities>>

export function newEventStreamerScope(backend: EventStreamerBackend, capabilities: EventStreamerCapabilities, feed: Feed): EventStreamerScope {
  const opened = new Opened(backend.open)
  return {
    ...waitingOn(backend.time),
    backend,
    feed,
    sizes: capabilities.sizes ?? {},
    open: () => opened.instance(),
    end: () => opened.closeAll(),
  }
}
