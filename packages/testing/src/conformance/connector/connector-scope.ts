import type { Connector } from '@workflow/core/adapter'
import type { CaseDefinition, CaseScope, NeedOf } from '../conformance-case.ts'
import type { ConnectorBackend, ConnectorCapabilities, Instance } from '../harness.ts'
import { Opened } from '../opened.ts'
import { waitingOn, type Waiting } from '../waiting.ts'

/** What a case about a Connector works with. */
export interface ConnectorScope extends CaseScope, Waiting {
  readonly backend: ConnectorBackend
  readonly open: () => Promise<Instance<Connector>>
  readonly openConnector: () => Promise<Connector>
}

export type ConnectorCase = CaseDefinition<ConnectorScope, NeedOf<ConnectorCapabilities>>

export function newConnectorScope(backend: ConnectorBackend): ConnectorScope {
  const opened = new Opened(backend.open)
  const waiting = waitingOn(backend.time)
  return {
    ...waiting,
    backend,
    open: () => opened.instance(),
    openConnector: async () => (await opened.instance()).port,
    end: () => waiting.within(opened.closeAll(), 'close comes to an end'),
  }
}
