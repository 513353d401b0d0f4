/** Receiving with a limit, for streams of any kind. */
import type { Delivery, EventReceiver } from '@workflow/core/adapter'
import { checkThat } from './check.ts'
import type { Waiting } from './waiting.ts'

const batchMax = 100

export interface ReceiveLimits {
  readonly max?: number
  readonly except?: ReadonlySet<string>
}

/** One batch, which must come. */
export async function nextBatch<E>(
  { within }: Waiting,
  receiver: EventReceiver<E>,
  promise: string,
  limits: ReceiveLimits = {},
): Promise<readonly Delivery<E>[]> {
  const stop = new AbortController()
  const max = limits.max ?? batchMax
  try {
    const batch = await within(
      receiver.receive({ max, signal: stop.signal, ...(limits.except === undefined ? {} : { except: limits.except }) }),
      promise,
    )
    checkThat(
      batch.length >= 1 && batch.length <= max,
      'receive returns at least one event and at most `max`',
      `${batch.length} events for a max of ${max}`,
    )
    return batch
  } finally {
    stop.abort(new Error('the case has stopped waiting'))
  }
}

/** Receives until `count` deliveries have come, and acknowledges none. */
export async function takeCount<E>(
  waiting: Waiting,
  receiver: EventReceiver<E>,
  count: number,
  promise: string,
  limits: ReceiveLimits = {},
): Promise<readonly Delivery<E>[]> {
  const taken: Delivery<E>[] = []
  while (taken.length < count) taken.push(...(await nextBatch(waiting, receiver, `${promise} (${taken.length} of ${count} came)`, limits)))
  return taken
}

/** Receives and acknowledges until `count` deliveries have come. */
export async function drainCount<E>(
  waiting: Waiting,
  receiver: EventReceiver<E>,
  count: number,
  promise: string,
  limits: ReceiveLimits = {},
): Promise<readonly Delivery<E>[]> {
  const taken = await takeCount(waiting, receiver, count, promise, limits)
  await ackAll(waiting, taken)
  return taken
}

/** Acknowledges deliveries, in the order given. */
export async function ackAll<E>({ within }: Waiting, deliveries: readonly Delivery<E>[]): Promise<void> {
  await within(Promise.all(deliveries.map((delivery) => delivery.ack())), 'ack resolves when it is durable')
}

/** What comes within a quiet while; nothing, mostly. */
export async function whatComes<E>(
  { quiet, within }: Waiting,
  receiver: EventReceiver<E>,
  limits: ReceiveLimits = {},
): Promise<readonly Delivery<E>[]> {
  const stop = new AbortController()
  const all: Delivery<E>[] = []
  for (;;) {
    let batch: readonly Delivery<E>[] | undefined
    const work = receiver
      .receive({ max: limits.max ?? batchMax, signal: stop.signal, ...(limits.except === undefined ? {} : { except: limits.except }) })
      .then((deliveries) => {
        batch = deliveries
      })
      .catch((error: unknown) => {
        if (!stop.signal.aborted) throw error
      })
    let settled = false
    work.then(
      () => {
        settled = true
      },
      () => {
        settled = true
      },
    )
    await quiet()
    if (!settled) stop.abort(new Error('the case has stopped waiting'))
    await within(work, 'receive ends when its signal aborts')
    if (batch === undefined) return all
    all.push(...batch)
  }
}
