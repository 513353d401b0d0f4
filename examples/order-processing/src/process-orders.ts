/** One start of the program: opens the database, takes orders in, works until all have ended, and proves what it did. */
import type { Logger, RoleScheduler } from '@workflow/core'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OrderClient } from './all-runs.ts'
import { audit, type AuditCheck } from './audit.ts'
import type { CliOptions } from './cli-options.ts'
import { type DataFiles, openDatabase, otherProcesses } from './data-files.ts'
import type { EventBroker } from './event-broker.ts'
import { FileLogger } from './file-logger.ts'
import { Intake } from './intake.ts'
import { approveInteractively } from './interactive-approver.ts'
import { orderFacts, type OrderFacts } from './order-facts.ts'
import { orders } from './orders.contract.ts'
import { orderDefinition } from './orders.worker.ts'
import { paceOf } from './pace.ts'
import { PaymentLedger } from './payment-ledger.ts'
import { isOver, type Progress, ProgressMeter } from './progress.ts'
import { SimulatedPayments } from './simulated-payments.ts'
import { SimulatedPeople } from './simulated-people.ts'
import { grouped, printable, type View } from './view.ts'

export interface ProcessOrdersInput {
  readonly options: CliOptions
  readonly files: DataFiles
  readonly chunks: AsyncIterable<string>
  readonly view: View
  /** The keys of the person who decides; absent: a policy does. */
  readonly keys?: AsyncIterator<string>
  /** Aborted by Ctrl-C. */
  readonly stop: AbortSignal
  /** Is told of an end that was not stopped, while everything is still open and at work; it may take its time. */
  readonly ended: (ending: Ending, orders: { readonly client: OrderClient; readonly logger: Logger }) => Promise<void>
}

/** How a start ended. `facts` and `checks` are there if it was not stopped. */
export interface Ending {
  readonly progress: Progress
  readonly facts?: readonly OrderFacts[]
  readonly checks?: readonly AuditCheck[]
  /** Why paused orders are paused, a few of them. */
  readonly paused: readonly string[]
}

/** Few: what waits for the payment service waits in the database, where another process can take it over, not in here. */
const maxInFlight = 64
const peopleLookMs = 150
const problemsShownMax = 10
const pausedShownMax = 5

export async function processOrders(input: ProcessOrdersInput): Promise<Ending> {
  const { options, files, view, stop } = input
  const pace = paceOf(options)
  await using resources = new AsyncDisposableStack()
  const logger = resources.adopt(new FileLogger(files.log), (log) => log.close())
  const database = resources.use(await openDatabase(files))
  const ledger = resources.adopt(new PaymentLedger(files.ledger), (books) => books.close())
  const payments = new SimulatedPayments(ledger, { seed: options.seed, speed: pace.speed })
  const failures = failureCounter()
  let allEnded = false
  const broker = await eventBroker(input, database.roleScheduler)
  if (broker !== undefined)
    resources.defer(async () => {
      await broker.close()
      await broker.leave({ allEnded, alone: (await otherProcesses(database.roleScheduler)).length === 0 })
    })
  const infrastructure = {
    ...database,
    ...(broker === undefined ? undefined : { eventStreamer: broker.eventStreamer }),
    logger,
    instrumentation: failures.instrumentation,
  }
  const worker = resources.adopt(orderDefinition({ payments, ...pace }).build({ ...infrastructure, maxInFlight }), (workflow) =>
    workflow.stop({ timeout: '5s' }),
  )
  const client = orders.client(infrastructure)
  await worker.run()

  // Ends everything of this start, by Ctrl-C, by an error, or because all is done.
  const ending = new AbortController()
  const signal = AbortSignal.any([stop, ending.signal])
  const report = limited(view, problemsShownMax)
  const intake = new Intake({ client, roleScheduler: database.roleScheduler, chunks: input.chunks, count: options.count, report, signal })
  const meter = new ProgressMeter({
    store: database.recordStore,
    intake: () => intake.result,
    failures: () => failures.count,
    retries: () => payments.statistics.repeats,
    processes: remembered(1_000, async () => 1 + (await otherProcesses(database.roleScheduler)).length),
  })
  const background = inBackground(
    [() => intake.run(), () => simulatePeople(input, client, signal), () => interact(input, client, signal)],
    signal,
    ending,
  )
  try {
    const progress = await watch(meter, view, signal)
    if (stop.aborted) return { progress, paused: [] }
    allEnded = true
    ending.abort()
    await background.settled
    const whole = { progress, ...(await prove(client, ledger, intake)), paused: await pausedOrders(client) }
    await input.ended(whole, { client, logger })
    return whole
  } finally {
    ending.abort()
    // The first failure is what ended the start.
    await background.settled
    await worker.stop({ timeout: '5s' })
  }
}

async function eventBroker(
  { options, files, view, stop }: ProcessOrdersInput,
  roleScheduler: RoleScheduler,
): Promise<EventBroker | undefined> {
  const { broker, url } = options
  if (broker === undefined) return undefined
  // Loaded when needed.
  const { openEventBroker } = await import('./event-broker.ts')
  const note = (line: string): void => view.note(line)
  return await openEventBroker({ broker, url, file: files.servers[broker], roleScheduler, note, signal: stop })
}

/** Shows the progress until all is over or the start is ended. The last look is returned. */
async function watch(meter: ProgressMeter, view: View, signal: AbortSignal): Promise<Progress> {
  for (;;) {
    const beganMs = performance.now()
    const progress = await meter.look()
    view.show(progress)
    if (signal.aborted || isOver(progress)) return progress
    // Counting millions of orders takes a while: look less often then.
    const waitMs = Math.max(view.intervalMs, 5 * (performance.now() - beganMs))
    for (const untilMs = performance.now() + waitMs; performance.now() < untilMs && !signal.aborted; ) await sleep(25)
  }
}

async function simulatePeople({ options }: ProcessOrdersInput, client: OrderClient, signal: AbortSignal): Promise<void> {
  const people = new SimulatedPeople(client, { seed: options.seed, thinkingMs: paceOf(options).thinkingMs, approver: !options.interactive })
  while (!signal.aborted) {
    await people.act(signal)
    await sleep(peopleLookMs, undefined, { signal }).catch(() => undefined)
  }
}

async function interact({ keys, view }: ProcessOrdersInput, client: OrderClient, signal: AbortSignal): Promise<void> {
  if (keys !== undefined) await approveInteractively({ client, keys, view, actor: process.env['USER'] ?? 'you', signal })
}

async function prove(
  client: OrderClient,
  ledger: PaymentLedger,
  intake: Intake,
): Promise<{ readonly facts: readonly OrderFacts[]; readonly checks: readonly AuditCheck[] }> {
  const facts: OrderFacts[] = []
  for await (const each of orderFacts(client)) facts.push(each)
  return { facts, checks: audit({ facts, ledger: ledger.entries(), accepted: intake.orderIds }) }
}

async function pausedOrders(client: OrderClient): Promise<readonly string[]> {
  const { items } = await client.list({ state: 'Paused', limit: pausedShownMax })
  return await Promise.all(items.map(async ({ runId, foreignId }) => `${foreignId}: ${(await client.explain(runId)).text}`))
}

/** Runs tasks beside each other; the first that fails ends the rest, and `settled` rejects with its error. */
function inBackground(
  tasks: readonly (() => Promise<void>)[],
  signal: AbortSignal,
  ending: AbortController,
): { readonly settled: Promise<void> } {
  let failure: { readonly error: unknown } | undefined
  const all = tasks.map(async (task) => {
    try {
      await task()
    } catch (error) {
      if (signal.aborted) return
      failure ??= { error }
      ending.abort()
    }
  })
  const settled = Promise.all(all).then(() => {
    if (failure !== undefined) throw failure.error
  })
  // Whoever awaits it hears of it; until then it must not count as unhandled.
  settled.catch(() => undefined)
  return { settled }
}

function failureCounter(): {
  readonly count: number
  readonly instrumentation: NonNullable<Parameters<typeof orders.client>[0]['instrumentation']>
} {
  let count = 0
  return {
    get count(): number {
      return count
    },
    instrumentation: {
      count: (name, n) => {
        if (name === 'workflow_process_error_count') count += n
      },
      gauge: () => undefined,
      observe: () => undefined,
    },
  }
}

/** The first `max` problems in full, then how many more there were, at powers of ten. */
function limited(view: View, max: number): (problem: string) => void {
  let count = 0
  return (problem) => {
    count += 1
    if (count <= max) view.note(`  ${printable(problem)}`)
    else if (Number.isInteger(Math.log10(count))) view.note(`  ... ${grouped(count)} lines so far`)
  }
}

/** Asks again only after a while. */
function remembered<T>(forMs: number, ask: () => Promise<T>): () => Promise<T> {
  let answer: { readonly value: T; readonly untilMs: number } | undefined
  return async () => {
    if (answer === undefined || performance.now() > answer.untilMs) answer = { value: await ask(), untilMs: performance.now() + forMs }
    return answer.value
  }
}
