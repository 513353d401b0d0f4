/** Adapters on a part of the broker that no other test uses, closed when the test has ended. */
import type { Delivery, EventReceiver, EventStreamer, Logger, ReceiverSpec, RunEvent } from '@workflow/core/adapter'
import { onTestFinished } from 'vitest'
import type { Kafka, KafkaOptions } from '../src/index.ts'
import { Broker } from './broker.ts'
import { claimsOf, topic } from './events.ts'

export const spec: ReceiverSpec = { name: 'orders', topics: [topic], from: 'earliest' }

export interface Scene {
  readonly broker: Broker
  readonly open: (options?: Partial<KafkaOptions>) => Kafka
}

export function fresh(options: Partial<KafkaOptions> = {}): Scene {
  const broker = new Broker()
  onTestFinished(() => broker[Symbol.asyncDispose]())
  const open = (more: Partial<KafkaOptions> = {}): Kafka => {
    const { adapter } = broker.open({ ...options, ...more })
    closeAfter(adapter)
    return adapter
  }
  return { broker, open }
}

export function closeAfter({ close }: Kafka): void {
  onTestFinished(close)
}

export function receiverOf(streamer: EventStreamer, token = 1): Promise<EventReceiver<RunEvent>> {
  return streamer.newReceiver({ ...spec, durable: true, workflowName: 'orders', claims: claimsOf(4, token) })
}

/** Receives until so many have come. */
export async function take(receiver: EventReceiver<RunEvent>, count: number): Promise<readonly Delivery<RunEvent>[]> {
  const taken: Delivery<RunEvent>[] = []
  while (taken.length < count) taken.push(...(await receiver.receive({ max: 100, signal: AbortSignal.timeout(15_000) })))
  return taken
}

export function versionsOf(deliveries: readonly Delivery<RunEvent>[]): readonly number[] {
  return deliveries.map(({ event }) => event.version)
}

/** A logger that keeps what it is told: the messages, and the fields as text. */
export function listener(): { readonly logger: Logger; readonly said: string[]; readonly fields: string[] } {
  const said: string[] = []
  const fields: string[] = []
  const say = (about: object, message: string): void => {
    said.push(message)
    fields.push(JSON.stringify(about))
  }
  return { said, fields, logger: { debug: () => undefined, info: say, warn: say, error: say } }
}
