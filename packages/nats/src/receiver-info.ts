import type { ReceiverInfo } from '@workflow/core/adapter'
import { endOf, placeOf, seqAfter, unpack } from './event-pack.ts'
import type { Link, Session } from './session.ts'
import { readAll } from './state-store.ts'
import { allPlaces, type ReceiverPlaces } from './stream-keeper.ts'

/** So many messages behind a cursor are read to count their events; of the rest only the number is asked. */
const countMax = 100
/** So many cursors are compared with the stream at once. */
const atOnce = 16

/** Every durable receiver of a workflow, with how far it lags. */
export async function receiverInfos(session: Session, link: Link, workflowName: string): Promise<readonly ReceiverInfo[]> {
  const infos: ReceiverInfo[] = []
  for (const receiver of await allPlaces(session, link, workflowName))
    infos.push({ name: receiver.name, topics: receiver.topics, ...(await lagOf(session, link, workflowName, receiver)) })
  return infos
}

/** Each slot of each topic by itself: where one is quiet its cursor stays behind those that are at the end, and has nothing to read. */
async function lagOf(
  session: Session,
  link: Link,
  workflowName: string,
  { lanes }: ReceiverPlaces,
): Promise<Pick<ReceiverInfo, 'lag' | 'oldest'>> {
  let lag = 0
  let oldest: Date | undefined
  for (let from = 0; from < lanes.length; from += atOnce) {
    const some = lanes.slice(from, from + atOnce)
    for (const unread of await Promise.all(some.map((lane) => unreadOf(session, link, workflowName, lane)))) {
      if (unread === undefined) continue
      lag += unread.count
      if (oldest === undefined || unread.oldest < oldest) oldest = unread.oldest
    }
  }
  return { lag, ...(oldest === undefined ? {} : { oldest }) }
}

interface Unread {
  readonly count: number
  readonly oldest: Date
}

/** Undefined where the cursor is at the end. */
async function unreadOf(
  { names }: Session,
  { manager, client }: Link,
  workflowName: string,
  { topic, slot, place }: ReceiverPlaces['lanes'][number],
): Promise<Unread | undefined> {
  const [stream, subject] = [names.eventStream(workflowName), names.event(workflowName, topic, slot)]
  const last = await manager.streams.getMessage(stream, { last_by_subj: subject })
  if (last === null || endOf(last.seq) <= place || placeOf(last.seq, eventsIn(last.data).length - 1) <= place) return undefined
  const { messages, pending } = await readAll(manager, client, stream, { filters: [subject], fromSeq: seqAfter(place), max: countMax })
  const counts = messages.map(({ seq, data }) => eventsIn(data).filter((_, index) => placeOf(seq, index) > place).length)
  const count = counts.reduce((sum, one) => sum + one, 0)
  const first = messages[counts.findIndex((one) => one > 0)]
  if (first === undefined) return undefined
  // The rest is as the first ones are.
  return { count: Math.ceil((count / messages.length) * Math.max(pending, messages.length)), oldest: first.time }
}

function eventsIn(data: Uint8Array): readonly unknown[] {
  try {
    return unpack(data)
  } catch {
    // A poison message, which nobody waits for.
    return []
  }
}
