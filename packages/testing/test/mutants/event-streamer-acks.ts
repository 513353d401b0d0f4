/** Event streamers that get acks and slots wrong. */
import { Fenced, isWorkflowError, type Delivery, type RunEvent } from '@workflow/core/adapter'
import type { StreamerChanger } from '../memory-harness.ts'
import { acking, batches, both, lowered, opening, receiverOver, receivers, without } from './breaking-receiver.ts'
import { mutant, type Mutant } from './mutant.ts'

export const acksMutants: readonly Mutant<StreamerChanger>[] = [
  mutant(
    'forgets the last ack of a batch',
    batches((batch) =>
      batch.map((delivery, n) =>
        n === 2 && batch.length === 6 && batch.every(({ slot }) => slot === 0) ? { ...delivery, ack: async () => undefined } : delivery,
      ),
    ),
    ...both('what was not acknowledged comes again after its receiver, in order, and nothing else'),
    ...both('a gap in the acks survives receivers until it is filled'),
  ),
  mutant(
    'takes an ack for all that came before it',
    batches((batch) =>
      batch.length === 8 && batch.every(({ slot }) => slot === 0)
        ? acking(batch, async (delivery) => {
            for (const each of batch) if (each.event.version <= delivery.event.version) await each.ack()
          })
        : batch,
    ),
    ...both('a gap in the acks survives receivers until it is filled'),
  ),
  mutant(
    'forgets acks that come before those of earlier events',
    batches((batch) => {
      const acked = new Set<number>()
      return batch.length >= 40
        ? acking(batch, async (delivery) => {
            const place = batch.indexOf(
              batch.find(({ event }) => event.runId === delivery.event.runId && event.version === delivery.event.version) ?? delivery,
            )
            acked.add(place)
            if (place === 0 || acked.has(place - 1)) await delivery.ack()
          })
        : batch
    }),
    ...both('acks in any order leave nothing to come again'),
  ),
  mutant(
    'counts a repeated ack for the next event',
    batches((batch) => {
      const times = new Map<number, number>()
      return batch.length === 4 && batch.every(({ slot }) => slot === 0)
        ? acking(batch, async (delivery) => {
            const place = batch.findIndex(({ event }) => event === delivery.event)
            times.set(place, (times.get(place) ?? 0) + 1)
            await delivery.ack()
            if (place === 2 && times.get(place) === 2) await batch[3]?.ack()
          })
        : batch
    }),
    ...both('acknowledging again does no harm'),
  ),
  mutant(
    'takes an ack in one topic for all topics',
    batches((batch) =>
      batch.length === 8 && new Set(batch.map(({ topic }) => topic)).size === 2
        ? acking(batch, async (delivery) => {
            for (const each of batch) if (each.event === delivery.event) await each.ack()
          })
        : batch,
    ),
    ...both('acks of one receiver, topic or slot say nothing about another'),
  ),
  mutant(
    'acknowledges what it hands out while it lives',
    (streamer, { shared }) => ({
      ...streamer,
      newReceiver: async (options) => {
        const receiver = await streamer.newReceiver(options)
        const first = !shared.has('first')
        shared.set('first', true)
        return receiverOver(receiver, {
          receive: async (receiving) => {
            const batch = await receiver.receive(receiving)
            if (first && batch.length === 5 && batch.every(({ slot }) => slot === 0)) for (const delivery of batch) await delivery.ack()
            return batch
          },
        })
      },
    }),
    ...both('what a dead instance had in hand comes to the next one'),
  ),
  mutant(
    'acknowledges everything when it closes',
    (streamer) => {
      const open: Delivery<RunEvent>[] = []
      return {
        ...streamer,
        newReceiver: async (options) => {
          const receiver = await streamer.newReceiver(options)
          return receiverOver(receiver, {
            receive: async (receiving) => {
              const batch = await receiver.receive(receiving)
              if (batch.length === 6) open.push(...batch)
              return batch
            },
          })
        },
        close: async () => {
          await Promise.allSettled(open.map((delivery) => delivery.ack()))
          await streamer.close()
        },
      }
    },
    ...both('cursors are there after closing and opening again'),
  ),

  mutant(
    'reads one slot that nobody claimed',
    opening((options) =>
      options.durable && options.claims.length === 2 && options.claims[1]?.slot === 3
        ? { ...options, claims: [...options.claims, { slot: 2, fence: { role: 'orders/2', domain: 'leases-1', token: 1n } }] }
        : options,
    ),
    ...both('a receiver sees the slots that it claims, and no other'),
  ),
  mutant(
    'forgets the claims that it has when it is assigned one',
    receivers((receiver, options) =>
      options.durable && options.claims.length === 0
        ? receiverOver(receiver, { assign: (claims) => receiver.assign(claims.length === 1 ? [] : claims) })
        : receiver,
    ),
    ...both('a receiver without claims waits until it is assigned some'),
  ),
  mutant(
    'gives everything back when it is assigned something',
    receivers((receiver, options) =>
      options.durable && options.claims.length === 2 && options.claims[1]?.slot === 1
        ? receiverOver(receiver, {
            assign: async (claims) => {
              await receiver.assign([])
              await receiver.assign(claims)
            },
          })
        : receiver,
    ),
    ...both('slots that stay are not disturbed by an assignment'),
  ),
  mutant(
    'tells a fenced receiver again and again',
    receivers((receiver) => {
      let fenced: unknown
      return receiverOver(receiver, {
        receive: async (options) => {
          if (fenced !== undefined) throw fenced
          return receiver.receive(options).catch((error: unknown) => {
            if (isWorkflowError(error, 'Fenced')) fenced = error
            throw error
          })
        },
      })
    }),
    ...both('a newer holder takes a slot over, and the older one is told once and goes on with the rest'),
  ),
  mutant(
    'tells nobody who waits that a slot was taken',
    receivers((receiver, options) =>
      options.durable && options.claims.length === 1 && options.claims[0]?.fence.token === 1n
        ? receiverOver(receiver, {
            receive: (receiving) =>
              receiver.receive(receiving).catch((error: unknown) => {
                if (isWorkflowError(error, 'Fenced')) return receiver.receive({ ...receiving, signal: receiving.signal })
                throw error
              }),
          })
        : receiver,
    ),
    ...both('a waiting receiver is told that its slot was taken'),
    ...both('a slot moves from one instance to another, and the first is fenced'),
  ),
  mutant(
    "takes a zombie's acks in silence",
    batches((batch) =>
      batch.length === 4 && batch.every(({ slot }) => slot === 0) ? acking(batch, (delivery) => without('Fenced', delivery.ack())) : batch,
    ),
    ...both("a zombie's acks are refused and move nothing"),
    ...both('a slot moves from one instance to another, and the first is fenced'),
  ),
  mutant(
    'forgets the other claims when one is refused',
    receivers((receiver, options) =>
      options.durable && options.claims.length === 0
        ? receiverOver(receiver, {
            assign: (claims) =>
              receiver.assign(claims).catch(async (error: unknown) => {
                await receiver.assign([])
                throw error
              }),
          })
        : receiver,
    ),
    ...both('a claim against a newer holder is refused, and the others are given'),
  ),
  mutant(
    'forgets a claim without events',
    opening((options) =>
      options.durable && options.claims.length === 1 && options.claims[0]?.slot === 1 && options.claims[0].fence.token < 7n
        ? { ...options, claims: lowered(options.claims, () => 7n) }
        : options,
    ),
    ...both('a slot without events is fenced like any other'),
  ),
  mutant(
    'compares tokens of all domains',
    (streamer) => {
      let greatest = 0n
      return {
        ...streamer,
        newReceiver: (options) => {
          const claim = options.durable && options.claims.length === 1 ? options.claims[0] : undefined
          if (claim !== undefined && claim.fence.token > 1_000_000n && claim.fence.token < 2_000_000n) greatest = claim.fence.token
          return streamer.newReceiver(
            options.durable && claim !== undefined && claim.fence.domain === 'leases-2' && claim.fence.token < greatest
              ? { ...options, claims: [{ ...claim, fence: { ...claim.fence, domain: 'leases-1' } }] }
              : options,
          )
        },
      }
    },
    ...both('the token of a new domain is not compared with those of an old one'),
  ),
  mutant(
    'remembers for ever which domains were replaced',
    (streamer) => {
      const held = new Map<string, string>()
      const past = new Set<string>()
      return {
        ...streamer,
        newReceiver: async (options) => {
          for (const { slot, fence } of options.durable ? options.claims : []) {
            const place = `${options.workflowName}/${slot}`
            const before = held.get(place) ?? fence.domain
            if (before !== fence.domain && past.has(`${place} ${fence.domain}`)) throw new Fenced('that domain is past')
            if (before !== fence.domain) past.add(`${place} ${before}`)
            held.set(place, fence.domain)
          }
          return streamer.newReceiver(options)
        },
      }
    },
    ...both('a claim of a past domain that comes late shuts nobody out'),
  ),
  mutant(
    'compares tokens as floating-point numbers',
    opening((options) =>
      options.durable
        ? {
            ...options,
            claims: lowered(options.claims, ({ fence }) => (fence.token > 2n ** 53n ? BigInt(Number(fence.token)) - 1n : fence.token)),
          }
        : options,
    ),
    ...both('tokens are compared as numbers, however large'),
  ),
  mutant(
    'takes acks of slots that have moved on',
    (streamer) => ({
      ...streamer,
      newReceiver: async (options) => {
        const receiver = await streamer.newReceiver(options)
        return receiverOver(receiver, {
          receive: async (receiving) => {
            const batch = await receiver.receive(receiving)
            return receiving.max === 5
              ? batch.filter((delivery, n) => {
                  if (n === 4) void delivery.ack().catch(() => undefined)
                  return n !== 4
                })
              : batch
          },
        })
      },
    }),
    ...both('slots that move between holders while events are in flight lose and disorder nothing'),
  ),
]
