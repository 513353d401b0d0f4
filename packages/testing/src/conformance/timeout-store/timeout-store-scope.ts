import type { TimeoutStore } from '@workflow/core/adapter'
import type { CaseDefinition, CaseScope, NeedOf } from '../conformance-case.ts'
import type { Instance, Sizes, TimeoutStoreBackend, TimeoutStoreCapabilities } from '../harness.ts'
import { Opened } from '../opened.ts'
import { waitingOn, type Waiting } from '../waiting.ts'

/** What a case about a TimeoutStore works with. */
export interface TimeoutStoreScope extends CaseScope, Waiting {
  readonly backend: TimeoutStoreBackend
  readonly sizes: Sizes
  readonly open: () => Promise<Instance<TimeoutStore>>
  readonly openStore: () => Promise<TimeoutStore>
}

export type TimeoutStoreCase = CaseDefinition<TimeoutStoreScope, NeedOf<TimeoutStoreCapabilities>>

export function newTimeoutStoreScope(backend: TimeoutStoreBackend, capabilities: TimeoutStoreCapabilities): TimeoutStoreScope {
  const opened = new Opened(backend.open)
  const waiting = waitingOn(backend.time)
  return {
    ...waiting,
    backend,
    sizes: capabilities.sizes ?? {},
    open: () => opened.instance(),
    openStore: async () => (await opened.instance()).port,
    end: () => waiting.within(opened.closeAll(), 'close comes to an end'),
  }
}
