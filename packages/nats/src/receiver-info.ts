import type { ReceiverInfo } from '@workflow/core/adapter'
import { placeOf, seqAfter, unpack } from './event-pack.ts'
import type { Link, Session } from './session.ts'
import { readAll } from './state-store.ts'
import { allPlaces, type ReceiverPlaces } from './stream-keeper.ts'

/** So many messages behind a cursor are read to count their events; the rest is estimated. */
const countMax = 500

/** Every durable receiver of a workflow, with how far it lags. */
export async function receiverInfos(session: Session, link: Link, workflowName: string): Promise<readonly ReceiverInfo[]> {
  const infos: ReceiverInfo[] = []
  for (const receiver of await allPlaces(session, link, workflowName))
    infos.push({ name: receiver.name, topics: receiver.topics, ...(await lagOf(session, link, workflowName, receiver)) })
  return infos
}

async function lagOf(
  { names }: Session,
  { manager, client }: Link,
  workflowName: string,
  { topics, lanes }: ReceiverPlaces,
): Promise<Pick<ReceiverInfo, 'lag' | 'oldest'>> {
  if (lanes.length === 0) return { lag: 0 }
  const places = new Map(lanes.map(({ topic, slot, place }) => [names.event(workflowName, topic, slot), place]))
  const { messages, pending } = await readAll(manager, client, names.eventStream(workflowName), {
    filters: topics.map((topic) => names.event(workflowName, topic, '*')),
    fromSeq: seqAfter(Math.min(...places.values())),
    max: countMax,
  })
  let lag = 0
  let oldest: Date | undefined
  for (const { subject, seq, data, time } of messages) {
    const unread = eventsIn(data).filter((_, index) => placeOf(seq, index) > (places.get(subject) ?? Infinity)).length
    lag += unread
    if (unread > 0) oldest ??= time
  }
  // The rest is as the first ones are.
  if (pending > messages.length && messages.length > 0) lag = Math.ceil((lag / messages.length) * pending)
  return { lag, ...(oldest === undefined ? {} : { oldest }) }
}

function eventsIn(data: Uint8Array): readonly unknown[] {
  try {
    return unpack(data)
  } catch {
    // A poison message, which nobody waits for.
    return []
  }
}
