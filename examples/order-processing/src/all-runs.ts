/** Every run of a query, page by page, so that no number of orders fills the memory. */
import type { ListQuery, SnapshotOf, StatusOf, WorkflowClient } from '@workflow/core'
import type { orders } from './orders.contract.ts'

export type OrderClient = WorkflowClient<typeof orders>
export type OrderRun = SnapshotOf<typeof orders>
export type OrderStatus = StatusOf<typeof orders>

/** Oldest first. Runs whose data was deleted are left out: nothing is left of them to look at. */
export async function* allRuns(client: OrderClient, query: ListQuery<OrderStatus> = {}): AsyncGenerator<OrderRun> {
  let cursor: string | undefined
  do {
    const page = await client.list({ ...query, order: 'oldest', limit: 1_000, ...(cursor === undefined ? undefined : { cursor }) })
    for (const run of page.items) if (run.state !== 'DataDeleted') yield run
    cursor = page.cursor
  } while (cursor !== undefined)
}
