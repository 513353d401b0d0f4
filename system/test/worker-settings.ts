import type { WorkerInfrastructure } from '@workflow/core'
import type { Addresses } from './ports.ts'

/** What a worker is told when it is started: plain data, and files that it appends to. */
export interface WorkerSettings {
  readonly addresses: Addresses
  readonly instance: string
  /** Of handler calls. */
  readonly ledger: string
  /** Of what it had for roles. */
  readonly roles: string
  /** Of warnings and errors. */
  readonly log: string
  readonly seed: number
}

/** How the engine is set up in all tests of the whole. */
export const workerOptions: Pick<WorkerInfrastructure, 'autoResume' | 'sweepFrequency' | 'defaults'> = {
  autoResume: '1s',
  // The sweeper would make up for a lost event after a while, and nobody would see that it was lost.
  sweepFrequency: '1d',
  defaults: { parallelCount: 8, errBackOff: '20ms' },
}
