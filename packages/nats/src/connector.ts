/**
 * A stream of JetStream that belongs to somebody else, as the source of a connector. Reads it beside whoever else does, takes
 * nothing out, and keeps its place in a cursor of its own: nothing is acknowledged to the server, so nothing is redelivered
 * by the clock or given up after so many tries.
 */
import { Configuration, type Connector, type ConnectOptions, Fenced, type ForeignEvent, Stopped } from '@workflow/core/adapter'
import { RetentionPolicy, type StreamInfo } from '@nats-io/jetstream'
import type { MsgHdrs } from '@nats-io/transport-node'
import { CursorFlusher } from './cursor-flusher.ts'
import type { Source } from './feed.ts'
import type { Keeping } from './keeping.ts'
import { startIn } from './registry.ts'
import type { Link, Session } from './session.ts'
import { StreamKeeper } from './stream-keeper.ts'
import { StreamReceiver } from './stream-receiver.ts'
import { streamInfo } from './streams.ts'
import type { TailMessage } from './tail.ts'

/** A message of a foreign stream. */
export interface NatsMessage {
  readonly subject: string
  readonly data: Uint8Array
  readonly headers: Readonly<Record<string, string>>
  /** Its number in the stream. */
  readonly seq: number
}

/** Options of a connector. */
export interface NatsConnectorOptions {
  /** The name of the stream, which must exist. */
  readonly stream: string
  /** Which of its subjects, with wildcards. @default all */
  readonly subjects?: readonly string[]
  /** The value of an event. @default its JSON; the bytes where they are no JSON, which fit no schema and are skipped */
  readonly decode?: (message: NatsMessage) => unknown
  /** What keeps events in order: those of one key are handled one after another. @default the subject */
  readonly key?: (message: NatsMessage) => string
  /** What makes an event the same one when its owner sends it again. @default name of the stream and number in it */
  readonly id?: (message: NatsMessage) => string
}

const known: ReadonlySet<string> = new Set(['stream', 'subjects', 'decode', 'key', 'id'] satisfies (keyof NatsConnectorOptions)[])
const topic = ''

/** A connector, and how it ends. */
export function connectorOf(session: Session, options: NatsConnectorOptions): Connector & { readonly close: () => Promise<void> } {
  assertOptions(options)
  const flusher = new CursorFlusher(session)
  const open = new Set<StreamReceiver<ForeignEvent>>()
  let closed = false
  return {
    connect: async (connect) => {
      if (closed) throw new Stopped('this connector has been closed; open a new one')
      const receiver = await session.run(`connecting to the stream ${options.stream}`, (link) =>
        newReceiver(session, link, options, connect, flusher, open),
      )
      try {
        await receiver.assign([{ slot: 0, fence: connect.fence }])
      } catch (error) {
        await receiver[Symbol.asyncDispose]()
        throw error instanceof Fenced
          ? new Fenced(`connector ${JSON.stringify(connect.name)} has a newer holder`, { cause: error, details: { slots: [0] } })
          : error
      }
      return receiver
    },
    close: async () => {
      closed = true
      await Promise.all([...open].map((receiver) => receiver[Symbol.asyncDispose]()))
      flusher.close()
    },
  }
}

async function newReceiver(
  session: Session,
  link: Link,
  options: NatsConnectorOptions,
  { name, from }: ConnectOptions,
  flusher: CursorFlusher,
  open: Set<StreamReceiver<ForeignEvent>>,
): Promise<StreamReceiver<ForeignEvent>> {
  const { names, settings } = session
  const { stream, subjects = [] } = options
  const facts = async (): ReturnType<Keeping['facts']> => {
    const { state, created } = await existing(link, stream)
    return { firstSeq: Math.max(1, state.first_seq), lastSeq: state.last_seq, created: String(created) }
  }
  const now = await facts()
  const start = await startIn(link, stream, from, now)
  const keeping: Keeping = {
    flusher,
    cursorSubject: () => names.connection(name),
    noticeSubject: names.notice('connector', name),
    starts: { stream: now.created, lanes: { [topic]: start } },
    // Whose the dropped messages were, nobody knows.
    wasUsed: async () => subjects.length === 0,
    facts,
  }
  const keeper = new StreamKeeper(session, link, undefined, facts)
  const receiver: StreamReceiver<ForeignEvent> = new StreamReceiver({
    session,
    link,
    name,
    topics: [topic],
    source: sourceOf(options),
    keeping,
    place: 0,
    logger: settings.logger,
    onEnd: () => {
      keeper.close()
      open.delete(receiver)
    },
  })
  keeper.receivers.add(receiver)
  open.add(receiver)
  return receiver
}

function sourceOf({
  stream,
  subjects = ['>'],
  decode = json,
  key = ({ subject }) => subject,
  id,
}: NatsConnectorOptions): Source<ForeignEvent> {
  return {
    stream,
    filters: () => subjects,
    slotOf: () => 0,
    decode: (raw) => {
      const message: NatsMessage = { subject: raw.subject, data: raw.data, headers: headersOf(raw.headers), seq: raw.seq }
      return [
        {
          id: id?.(message) ?? `${stream}:${raw.seq}`,
          key: key(message),
          value: decode(message),
          at: new Date(raw.atMs),
          headers: message.headers,
        },
      ]
    },
  }
}

function json({ data }: NatsMessage): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data))
  } catch {
    return data
  }
}

/** Those that are about the message itself; the server's own are not. */
function headersOf(headers: TailMessage['headers'] | MsgHdrs): Readonly<Record<string, string>> {
  const all: Record<string, string> = {}
  for (const name of headers?.keys() ?? []) if (!name.startsWith('Nats-')) all[name] = headers?.get(name) ?? ''
  return all
}

async function existing(link: Link, stream: string): Promise<StreamInfo> {
  const info = await streamInfo(link, stream)
  if (info === undefined)
    throw new Configuration(`there is no stream ${JSON.stringify(stream)}: its owner must create it, or correct the name`, {
      details: { stream },
    })
  if (info.config.retention === RetentionPolicy.Workqueue)
    throw new Configuration(
      `the stream ${JSON.stringify(stream)} is a work queue, which every message leaves with its first reader: connect to a stream with the retention limits or interest, or let one source this`,
      { details: { stream } },
    )
  return info
}

function assertOptions(options: NatsConnectorOptions): void {
  if (typeof options !== 'object' || options === null || typeof options.stream !== 'string' || !/^[^\s.*>/\\]+$/.test(options.stream))
    throw new Configuration("a connector of nats needs the name of a stream: connector({ stream: 'ORDERS' })")
  for (const name of Object.keys(options))
    if (!known.has(name))
      throw new Configuration(`a connector of nats has no option ${JSON.stringify(name)}; it knows ${[...known].join(', ')}`)
  if (options.subjects !== undefined && (!Array.isArray(options.subjects) || options.subjects.length === 0))
    throw new Configuration('the subjects of a connector of nats must be a list with at least one, or be left out for all')
}
