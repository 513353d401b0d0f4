/** The work that is killed: steps that fail now and then, repeat themselves, wait for callbacks and time out. */
import { setTimeout as sleep } from 'node:timers/promises'
import { after, type AnyRun, type Contract, type Definition, type Schema, unchecked, workflow } from '@workflow/core'
import { appendToLedger, type LedgerLine } from './ledger.ts'

export interface Parcel {
  /** Chosen at the trigger: what the run does does not depend on how often it is killed. */
  readonly large: boolean
  readonly labels: number
  /** How many handlers' results have been committed. */
  handled: number
}

export interface Approval {
  readonly approved: boolean
}

const graph = {
  created: { step: ['paid'] },
  paid: { step: ['approval', 'packing'] },
  approval: { callback: ['packing', 'rejected'], timeout: ['expired'] },
  packing: { step: ['shipped'] },
  shipped: {},
  rejected: {},
  expired: {},
} as const

export type Parcels = Contract<'parcels', Schema<Parcel>, typeof graph, { readonly approval: Schema<Approval> }>
export const parcels: Parcels = workflow('parcels', { object: unchecked<Parcel>(), graph, payloads: { approval: unchecked<Approval>() } })

/** How often a handler throws after it has done its work: the effect is in the ledger, the transition is not. */
const failureShare = 0.1
const workMsMax = 4

/** The handlers, with a ledger and chance of their own. */
export function parcelDefinition(ledger: string, random: () => number): Definition<Parcels> {
  const act = async (run: AnyRun, kind: LedgerLine['kind']): Promise<void> => {
    await sleep(random() * workMsMax)
    appendToLedger(ledger, { key: run.idempotencyKey, runId: run.runId, status: run.status, kind, pid: process.pid, at: Date.now() })
    if (random() < failureShare) throw new Error('the foreign system has answered too late')
  }
  return parcels
    .addStep('created', async (run) => {
      await act(run, 'step')
      run.object.handled += 1
      return 'paid'
    })
    .addStep('paid', async (run) => {
      await act(run, 'step')
      run.object.handled += 1
      return run.object.large ? 'approval' : 'packing'
    })
    .addCallback('approval', async (run, { approved }) => {
      await act(run, 'callback')
      run.object.handled += 1
      return approved ? 'packing' : 'rejected'
    })
    .addTimeout('approval', after('500ms'), async (run) => {
      await act(run, 'timeout')
      run.object.handled += 1
      return 'expired'
    })
    .addStep('packing', async (run) => {
      await act(run, 'step')
      run.object.handled += 1
      // One label at a time: the same stay, a new key.
      return run.object.handled < 3 + run.object.labels ? run.saveAndRepeat() : 'shipped'
    })
}
