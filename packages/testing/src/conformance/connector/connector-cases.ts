import { bindCases, type ConformanceCase } from '../conformance-case.ts'
import type { ConnectorHarness } from '../harness.ts'
import { connectorDefinitions } from './connector-definitions.ts'
import { newConnectorScope } from './connector-scope.ts'

/** What every Connector must hold, as cases for any test runner; those for capabilities that the harness lacks are left out. */
export function connectorCases(harness: ConnectorHarness): readonly ConformanceCase[] {
  return bindCases(connectorDefinitions, harness, newConnectorScope)
}
