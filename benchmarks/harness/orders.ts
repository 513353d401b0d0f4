/** The work that throughput and latency are measured with: three steps, each one transition, and no work of their own. */
import { type Contract, type Schema, unchecked, workflow, type Workflow, type WorkerInfrastructure } from '@workflow/core'
import type { Completions } from './completions.ts'

export interface Order {
  id: string
  customer: string
  amount: number
  handled: number
}

const graph = {
  placed: { step: ['paid'] },
  paid: { step: ['packed'] },
  packed: { step: ['shipped'] },
  shipped: {},
} as const

export type Orders = Contract<'orders', Schema<Order>, typeof graph>
export const orders: Orders = workflow('orders', { object: unchecked<Order>(), graph })

/** How many transitions a run makes: its creation is not counted. */
export const stepsPerRun = 3

export function orderOf(i: number): Order {
  return { id: `order-${i}`, customer: `customer-${i % 1_000}`, amount: (i % 977) + 0.5, handled: 0 }
}

/** The handlers on infrastructure, with a counter of completed runs. */
export function ordersWorkflow(infrastructure: Omit<WorkerInfrastructure, 'instrumentation'>, completions: Completions): Workflow<Orders> {
  return countedOrders({ ...infrastructure, instrumentation: completions }, { handled: 0, onEach: () => undefined })
}

/** The same with whatever instrumentation there is, or none: what is counted is that the last handler was called. */
export function countedOrders(
  infrastructure: WorkerInfrastructure,
  counter: { handled: number; readonly onEach: () => void },
): Workflow<Orders> {
  return orders
    .addStep('placed', async (run) => {
      run.object.handled += 1
      return 'paid'
    })
    .addStep('paid', async (run) => {
      run.object.handled += 1
      return 'packed'
    })
    .addStep('packed', async (run) => {
      run.object.handled += 1
      counter.handled += 1
      counter.onEach()
      return 'shipped'
    })
    .build(infrastructure)
}
