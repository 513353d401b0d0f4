import type { ConnectorCase } from './connector-scope.ts'

/** Every case about a Connector. */
export const connectorDefinitions: readonly ConnectorCase[] = []
