/** Runs as an application has them: most have ended in one of two ways, some wait for a person, few are paused or cancelled. */
import {
  after,
  type Contract,
  type Schema,
  type TimeoutStore,
  unchecked,
  type WorkerInfrastructure,
  workflow,
  type Workflow,
} from '@workflow/core'

interface Claim {
  readonly id: string
  readonly customer: string
  readonly cents: number
  readonly lines: readonly string[]
  checked: boolean
}

const graph = {
  filed: { step: ['checked'] },
  checked: { callback: ['paid', 'refused'], timeout: ['refused'] },
  paid: {},
  refused: {},
} as const

type Payloads = { readonly checked: Schema<boolean> }

export type Claims = Contract<'claims', Schema<Claim>, typeof graph, Payloads>
export const claims: Claims = workflow('claims', { object: unchecked<Claim>(), graph, payloads: { checked: unchecked<boolean>() } })

/** What there is of claims, and how many of a thousand runs are of each kind. */
export const claimKinds = { paid: 938, refused: 50, waiting: 8, paused: 2, cancelled: 2 } as const
export type ClaimKind = keyof typeof claimKinds

type ClaimsInfrastructure = WorkerInfrastructure & { readonly timeoutStore: TimeoutStore }

function claimsWorkflow(infrastructure: ClaimsInfrastructure): Workflow<Claims> {
  return claims
    .addStep('filed', async (run) => {
      run.object.checked = true
      return 'checked'
    })
    .addCallback('checked', async (_run, pays) => (pays ? 'paid' : 'refused'))
    .addTimeout('checked', after('30d'), async () => 'refused')
    .build(infrastructure)
}

/** One run of each kind, which the engine has worked on. The ids, by kind. */
export async function claimTemplates(infrastructure: ClaimsInfrastructure): Promise<Readonly<Record<ClaimKind, string>>> {
  await using workflow = claimsWorkflow(infrastructure)
  await workflow.run()
  const checked = async (kind: ClaimKind): Promise<string> => {
    const initialValue = { id: kind, customer: 'Ann Example', cents: 12_345, lines: ['a chair', 'a table', 'two lamps'], checked: false }
    const runId = await workflow.trigger(`template-${kind}`, { initialValue, metadata: { tenant: 'tenant-0', channel: 'web' } })
    await workflow.await(runId, 'checked')
    return runId
  }
  const ids = {
    paid: await checked('paid'),
    refused: await checked('refused'),
    waiting: await checked('waiting'),
    paused: await checked('paused'),
    cancelled: await checked('cancelled'),
  }
  await workflow.callback({ runId: ids.paid }, 'checked', true)
  await workflow.callback({ runId: ids.refused }, 'checked', false)
  await workflow.pause(ids.paused, { actor: 'ann', reason: 'the receipt is missing' })
  await workflow.cancel(ids.cancelled, { actor: 'ann', reason: 'withdrawn' })
  await workflow.awaitCompletion(ids.paid)
  await workflow.awaitCompletion(ids.refused)
  return ids
}

/** The copies are created over so long. */
export const claimsSpanMs: number = 10 * 24 * 3_600_000
/** What workflows have by default. */
export const claimSlots = 16

/** Of the copy of a number: as if by chance, and always the same. */
export function claimKindOf(i: number): ClaimKind {
  let rest = (Math.imul(i, 2_654_435_761) >>> 8) % 1_000
  for (const [kind, share] of Object.entries(claimKinds)) {
    // The keys of a constant are its names.
    if (rest < share) return kind as ClaimKind
    rest -= share
  }
  return 'paid'
}

/** Older than every UUID that this year makes, and ascending. */
export function claimRunId(seq: number): string {
  return `01900000-0000-7000-8000-${seq.toString(16).padStart(12, '0')}`
}

/** Where claims are that have been filled in, and what can be asked about them. */
export interface StoredClaims extends AsyncDisposable {
  /** For `openDatabase`. */
  readonly address: string
  /** How many copies, of `seq`s that follow each other. */
  readonly copies: number
  readonly firstSeq: number
  /** When the newest was created, in ms since 1970. */
  readonly newestMs: number
}
