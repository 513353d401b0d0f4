/** A bulk action, chunk after chunk, so that whoever waits sees how far it is and may stop it. */
import type { BulkAction, BulkResultJson } from '../../src/api/request-json.ts'
import type { Ask } from './api-client.ts'
import { ApiFault, workflowPath } from './api-client.ts'

export interface BulkTarget {
  readonly runId: string
  readonly foreignId: string
  readonly version: number
}

export interface BulkProgress {
  readonly done: number
  readonly total: number
  readonly failures: readonly BulkFailure[]
}

export interface BulkFailure {
  readonly target: BulkTarget
  readonly message: string
}

const chunkSize = 25

/**
 * Does `action` to every target, in their order, and tells the progress after each chunk. A chunk whose request fails counts as
 * failed runs: whether they were touched is not known. Stops before the next chunk once `signal` is aborted.
 */
export async function runBulk(
  ask: Ask,
  {
    workflow,
    action,
    reason,
    targets,
  }: {
    readonly workflow: string
    readonly action: BulkAction
    readonly reason: string
    readonly targets: readonly BulkTarget[]
  },
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (progress: BulkProgress) => void },
): Promise<BulkProgress> {
  let progress: BulkProgress = { done: 0, total: targets.length, failures: [] }
  for (let at = 0; at < targets.length && !signal.aborted; at += chunkSize) {
    const chunk = targets.slice(at, at + chunkSize)
    const runs = chunk.map(({ runId, version }) => ({ runId, ifVersion: version }))
    const failures = await failuresOf(chunk, () => ask<BulkResultJson>(workflowPath(workflow, 'bulk'), { body: { action, reason, runs } }))
    progress = { ...progress, done: at + chunk.length, failures: [...progress.failures, ...failures] }
    onProgress(progress)
  }
  return progress
}

async function failuresOf(chunk: readonly BulkTarget[], send: () => Promise<BulkResultJson>): Promise<readonly BulkFailure[]> {
  try {
    const { results } = await send()
    const outcomes = new Map(results.map((result) => [result.runId, result]))
    return chunk.flatMap((target) => {
      const outcome = outcomes.get(target.runId)
      if (outcome === undefined) return [{ target, message: 'the server says nothing of it' }]
      return outcome.ok ? [] : [{ target, message: outcome.message }]
    })
  } catch (error) {
    const message = error instanceof ApiFault ? error.message : String(error)
    return chunk.map((target) => ({ target, message: `${message}: look whether it was touched` }))
  }
}
