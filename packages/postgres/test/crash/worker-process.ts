/** A worker that lives until it is killed: `node worker-process.ts <ledger> <seed> <url> <lease>`. It is told of its clock on standard input. */
import { createInterface } from 'node:readline'
import { type Clock, type Duration, systemClock } from '@workflow/core/adapter'
import { runWorker, workerArguments } from '../../../testing/test/crash/crash-worker.ts'
import { postgres } from '../../src/index.ts'
import { schema } from './scene.ts'

const given = workerArguments()
const [connectionString = '', lease = ''] = given.own
let offsetMs = 0
const clock: Clock = { ...systemClock, now: () => systemClock.now() + offsetMs }
createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, ms] = line.split(' ')
  if (word === 'wall') offsetMs = Number(ms)
})
// A connection that has gone silent is given up soon, and the cast holds because the target passes a duration on.
const database = postgres({ connectionString, schema, lease: lease as Duration, connections: 8, queryTimeout: '2s', clock })
await runWorker(database, given, { clock })
