import { describe } from 'vitest'
import { registerConnector, registerStreamer } from './conformance.ts'
import { serverUrl } from './server.ts'

describe.skipIf(serverUrl === undefined)('event streamer', () => registerStreamer(serverUrl ?? ''))
describe.skipIf(serverUrl === undefined)('connector', () => registerConnector(serverUrl ?? ''))
