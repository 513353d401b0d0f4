/** A worker that lives until it is killed: `node worker-process.ts <ledger> <seed> <file> <lease>`. */
import type { Duration } from '@workflow/core'
import { runWorker, workerArguments } from '../../../testing/test/crash/crash-worker.ts'
import { sqlite } from '../../src/index.ts'

const given = workerArguments()
const [file = '', lease = ''] = given.own
// The cast holds because the target passes a duration on.
await runWorker(sqlite({ file, lease: lease as Duration, busyTimeout: '20s' }), given)
