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
  return {
    ...waitingOn(backend.time),
    backend,
    open: () => opened.instance(),
    openConnector: async () => (await opened.instance()).port,
    end: () => opened.closeAll(),
  }
}
