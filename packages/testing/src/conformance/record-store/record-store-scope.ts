import type { RecordStore } from '@workflow/core/adapter'
import type { CaseDefinition, CaseScope, NeedOf } from '../conformance-case.ts'
import type { Instance, RecordStoreBackend, RecordStoreCapabilities, Sizes } from '../harness.ts'
import { Opened } from '../opened.ts'
import { waitingOn, type Waiting } from '../waiting.ts'

/** What a case about a RecordStore works with. */
export interface RecordStoreScope extends CaseScope, Waiting {
  readonly backend: RecordStoreBackend
  readonly capabilities: RecordStoreCapabilities
  readonly sizes: Sizes
  /** One more instance on the case's backend. */
  readonly open: () => Promise<Instance<RecordStore>>
  /** The store of one more instance. */
  readonly openStore: () => Promise<RecordStore>
  /** The instant that the adapter's clock shows, to the millisecond. */
  readonly now: (afterMs?: number) => Date
}

export type RecordStoreCase = CaseDefinition<RecordStoreScope, NeedOf<RecordStoreCapabilities>>

export function newRecordStoreScope(backend: RecordStoreBackend, capabilities: RecordStoreCapabilities): RecordStoreScope {
  const opened = new Opened(backend.open)
  const waiting = waitingOn(backend.time)
  return {
    ...waiting,
    backend,
    capabilities,
    sizes: capabilities.sizes ?? {},
    open: () => opened.instance(),
    openStore: async () => (await opened.instance()).port,
    now: (afterMs = 0) => new Date(Math.trunc(backend.time.clock.now()) + afterMs),
    end: () => waiting.within(opened.closeAll(), 'close comes to an end'),
  }
}
