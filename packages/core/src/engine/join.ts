import type { RunRecord } from '../model/run-record.ts'
import type { AnySnapshot } from '../run.ts'
import { contextOf } from './child.ts'
import { snapshotOf } from './snapshot.ts'
import { joinOf, type WorkerContext } from './worker-context.ts'

const pageSize = 500

/** Every child of the stay that a run is in, by creation. */
export async function childrenOf(ctx: WorkerContext, record: RunRecord): Promise<readonly AnySnapshot[]> {
  const contract = ctx.contract.children.get(record.status)
  const child = contract === undefined ? ctx : contextOf(ctx, contract)
  const children: AnySnapshot[] = []
  let after: string | undefined
  do {
    const page = await ctx.store.list(
      { parent: { runId: record.runId, join: joinOf(record.status, record.entered.version) } },
      { limit: pageSize, ...(after === undefined ? undefined : { after }) },
    )
    for (const item of page.items) children.push(await snapshotOf(child, item))
    after = page.next
  } while (after !== undefined)
  return children
}
