/** A worker that lives until it is killed: `node worker-process.ts <ledger> <seed> <file> <servers> <lease>`. */
import type { Duration } from '@workflow/core'
import { sqlite } from '@workflow/sqlite'
import { runWorker, workerArguments } from '../../../testing/test/crash/crash-worker.ts'
import { nats } from '../../src/index.ts'

const given = workerArguments()
const [file = '', servers = '', lease = ''] = given.own
// The cast holds because the target passes a duration on.
const records = sqlite({ file, lease: lease as Duration, busyTimeout: '20s' })
const ignore = (): void => undefined
// What fails while the server is away is no wonder.
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const stream = nats({ servers, requestTimeout: '2s', checkFrequency: '1s', logger })
await runWorker({ ...records, eventStreamer: stream.eventStreamer }, given)
