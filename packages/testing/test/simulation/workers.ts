/** Many seeds, on several threads. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'
import type { Invariant } from '../../src/simulation/oracle.ts'
import type { SeedOptions } from '../../src/simulation/seed-run.ts'
import { runRandomSeed } from './random-seed.ts'

export interface Share {
  readonly from: number
  readonly seeds: number
  readonly workers: number
  readonly options: Omit<SeedOptions, 'seed'>
}

/** One seed that is done, as a thread tells it. */
export interface Done {
  readonly seed: number
  readonly events: number
  readonly runs: number
  readonly virtualMs: number
  readonly struck: readonly string[]
  readonly seen: readonly (readonly [string, number])[]
  readonly failure: Failure | undefined
}

export interface Failure {
  readonly seed: number
  readonly invariant: Invariant
  readonly message: string
}

/** Runs all seeds and answers those that failed, by seed. */
export async function inWorkers(share: Share, onDone: (done: Done) => void): Promise<readonly Failure[]> {
  const failures: Failure[] = []
  const hear = (done: Done): void => {
    if (done.failure !== undefined) failures.push(done.failure)
    onDone(done)
  }
  if (share.workers === 1)
    for (let seed = share.from; seed < share.from + share.seeds; seed++) hear(await doneOf({ ...share.options, seed }))
  else await Promise.all(Array.from({ length: share.workers }, (_, index) => inThread(share, index, hear)))
  return failures.sort((one, other) => one.seed - other.seed)
}

function inThread(share: Share, index: number, onDone: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { share, index } })
    worker.on('message', onDone)
    worker.on('error', reject)
    worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a worker of the simulation ended with code ${code}`))))
  })
}

async function doneOf(options: SeedOptions): Promise<Done> {
  const { seed } = options
  const { events, runs, virtualMs, struck, seen, violation } = await runRandomSeed(options)
  const failure = violation === undefined ? undefined : { seed, ...violation }
  return { seed, events, runs, virtualMs, struck: struck.map(({ kind }) => kind), seen: [...seen], failure }
}

// The cast holds because only `inThread` starts this file as a thread.
const given = workerData as { readonly share: Share; readonly index: number } | null
if (!isMainThread && given?.share !== undefined) {
  const { share, index } = given
  for (let seed = share.from + index; seed < share.from + share.seeds; seed += share.workers)
    parentPort?.postMessage(await doneOf({ ...share.options, seed }))
}
