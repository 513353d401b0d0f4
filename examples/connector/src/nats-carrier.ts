import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, headers } from '@nats-io/transport-node'
import { nats } from '@workflow/nats'
import { type Carrier, idHeader, valueOf } from './carrier.ts'

/** A stream of its own, under a name that nobody else has; deleted at the end, with what is remembered of its readers. */
export async function natsCarrier(url: string, name: string): Promise<Carrier> {
  const stream = `${name}-messages`
  await using resources = new AsyncDisposableStack()
  const theirs = resources.adopt(await connect({ servers: url, name: 'carrier' }), (connection) => connection.close())
  const manager = await jetstreamManager(theirs)
  resources.defer(async () => {
    for (const each of [stream, `${name}_state`]) await manager.streams.delete(each)
  })
  await manager.streams.add({ name: stream, subjects: [`${stream}.*`] })
  const ours = resources.use(nats({ servers: url, prefix: name }))
  const opened = resources.move()
  return {
    messages: ours.connector({
      stream,
      key: ({ subject }) => subject.slice(stream.length + 1),
      decode: ({ data }) => valueOf(new TextDecoder().decode(data)),
    }),
    publish: async (postings) => {
      const broker = jetstream(theirs)
      // Each is sent before the next: the server keeps the order in which they come.
      await Promise.all(
        postings.map(({ id, parcel, body }) => {
          const own = headers()
          own.set(idHeader, id)
          return broker.publish(`${stream}.${parcel}`, body, { headers: own })
        }),
      )
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
