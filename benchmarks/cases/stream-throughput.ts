import type { EventReceiver, RunEvent } from '@workflow/core/adapter'
import type { Case } from '../harness/bench.ts'
import { meter } from '../harness/meter.ts'
import type { Figure } from '../harness/report.ts'
import type { BareMessage, StreamTarget } from '../streams/stream-target.ts'
import { eventsOf, readerOf } from '../streams/stream-load.ts'

/** So many events are sent by one call, as by the engine's relay, and received by one. */
const batch = 1_000
/** So many events the bare client packs into a message, where it packs. */
const packed = 50

/** Sends and receives at once, through the adapter and then through the bare client. */
export function streamThroughput(target: () => Promise<StreamTarget>): Case {
  return {
    name: 'throughput',
    runs: 200_000,
    measure: async ({ runs, repeats }) => {
      await using stream = await target()
      const rates: Record<'ours' | 'cpu' | 'bare' | 'bareCpu' | 'same' | 'sameCpu' | 'packed', number[]> = {
        ours: [],
        cpu: [],
        bare: [],
        bareCpu: [],
        same: [],
        sameCpu: [],
        packed: [],
      }
      // The first one warms up.
      for (let repeat = 0; repeat <= repeats; repeat++) {
        const ours = await adapterOf(stream, runs)
        const { headersOf } = stream
        const events = eventsOf(runs)
        const texts = events.map((event) => JSON.stringify(event))
        const bare = await timed(runs, () => stream.bare(texts.map(messageOf), batch))
        const withHeaders = events.map((event, n) => ({ text: texts[n] ?? '', headers: headersOf?.(event) ?? {} }))
        const same = headersOf === undefined ? undefined : await timed(runs, () => stream.bare(withHeaders, batch))
        const packs = Array.from({ length: Math.ceil(runs / packed) }, (_, n) => `[${texts.slice(n * packed, (n + 1) * packed).join(',')}]`)
        const bareInPacks = await timed(runs, () => stream.bare(packs.map(messageOf), batch / packed))
        if (repeat === 0) continue
        if (same !== undefined) {
          rates.same.push(same.rate)
          rates.sameCpu.push(same.cpuUs)
        }
        rates.ours.push(ours.rate)
        rates.cpu.push(ours.cpuUs)
        rates.bare.push(bare.rate)
        rates.bareCpu.push(bare.cpuUs)
        rates.packed.push(bareInPacks.rate)
      }
      const share = (of: readonly number[]): readonly number[] => rates.ours.map((rate, n) => (rate / (of[n] ?? Number.NaN)) * 100)
      const sameToo: readonly Figure[] =
        rates.same.length === 0
          ? []
          : [
              { metric: "bare client, with the adapter's headers", unit: 'events/s', values: rates.same },
              { metric: "bare client, with the adapter's headers, processor time", unit: 'µs/event', values: rates.sameCpu },
              { metric: "adapter as part of the bare client with the adapter's headers", unit: '%', values: share(rates.same) },
            ]
      return [
        ...sameToo,
        { metric: 'adapter', unit: 'events/s', values: rates.ours },
        { metric: 'adapter, processor time', unit: 'µs/event', values: rates.cpu },
        { metric: 'bare client, a message per event', unit: 'events/s', values: rates.bare },
        { metric: 'bare client, processor time', unit: 'µs/event', values: rates.bareCpu },
        { metric: `bare client, ${packed} events per message`, unit: 'events/s', values: rates.packed },
        { metric: 'adapter as part of the bare client', unit: '%', values: share(rates.bare) },
        { metric: 'adapter as part of the bare client that packs', unit: '%', values: share(rates.packed) },
      ]
    },
  }
}

function messageOf(text: string): BareMessage {
  return { text }
}

interface Rate {
  readonly rate: number
  readonly cpuUs: number
}

async function timed(events: number, work: () => Promise<void>): Promise<Rate> {
  const read = meter()
  await work()
  const { wallMs, cpuMs } = read()
  return { rate: (events / wallMs) * 1_000, cpuUs: (cpuMs / events) * 1_000 }
}

async function adapterOf(target: StreamTarget, count: number): Promise<Rate> {
  const opened = target.open()
  const topics = ['orders/paid']
  const reader = await readerOf(opened, topics)
  const sender = await opened.eventStreamer.newSender()
  const events = eventsOf(count)
  const rate = await timed(count, async () => {
    const received = receiveAll(reader, count)
    for (let from = 0; from < count; from += batch) await sender.send(events.slice(from, from + batch))
    await received
  })
  await opened.close()
  return rate
}

async function receiveAll(reader: EventReceiver<RunEvent>, count: number): Promise<void> {
  const { signal } = new AbortController()
  const acks: Promise<void>[] = []
  while (acks.length < count) for (const delivery of await reader.receive({ max: batch, signal })) acks.push(delivery.ack())
  await Promise.all(acks)
}
