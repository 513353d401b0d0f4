/** Slots belong to one holder: they move, and who has lost one is told and harms nobody. */
import { isWorkflowError, type Delivery, type EventReceiver, type RunEvent } from '@workflow/core/adapter'
import { checkEqual, checkPresent, checkRejects, checkThat } from '../check.ts'
import { claimsOf, fenceOf } from '../fences.ts'
import { ackAll, drainCount, nextBatch, takeCount, whatComes } from '../receiving.ts'
import { allSlots, openReceiver, stepReceiver, versionsOf, type EventStreamerCase } from './event-streamer-scope.ts'

function slotsOf(deliveries: readonly Delivery<RunEvent>[]): readonly number[] {
  return [...new Set(deliveries.map(({ slot }) => slot))].sort((a, b) => a - b)
}

/** Cases about claims. */
export const slotsDefinitions: readonly EventStreamerCase[] = [
  {
    name: 'a receiver sees the slots that it claims, and no other',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      for (const slot of allSlots) await publisher.send(publisher.run(slot), { count: 2 })
      const [one, two] = [
        await openReceiver(streamer, stepReceiver, claimsOf([0, 3])),
        await openReceiver(streamer, stepReceiver, claimsOf([1])),
      ]
      checkEqual(
        slotsOf(await drainCount(scope, one, 4, 'a receiver sees the slots that it claims')),
        [0, 3],
        'a receiver sees the slots that it claims',
      )
      checkEqual(
        slotsOf(await drainCount(scope, two, 2, 'a receiver sees the slots that it claims')),
        [1],
        'a receiver sees the slots that it claims',
      )
      checkEqual(
        [...slotsOf(await whatComes(scope, one)), ...slotsOf(await whatComes(scope, two))],
        [],
        'a receiver sees no slot that it does not claim',
      )
    },
  },
  {
    name: 'a receiver without claims waits until it is assigned some',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      for (const slot of allSlots) await publisher.send(publisher.run(slot))
      const receiver = await openReceiver(streamer, stepReceiver, [])
      const waiting = nextBatch(scope, receiver, 'a receiver that waits sees slots that it is assigned')
      await scope.quiet()
      await receiver.assign(claimsOf([2]))
      const batch = await waiting
      checkEqual(slotsOf(batch), [2], 'a receiver without claims sees nothing, and with claims their slots')
      await ackAll(scope, batch)
      await receiver.assign(claimsOf([0, 2]))
      checkEqual(
        slotsOf(await drainCount(scope, receiver, 1, 'a receiver sees slots that are added')),
        [0],
        'a receiver sees slots that are added',
      )
    },
  },
  {
    name: 'slots that stay are not disturbed by an assignment',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      for (const slot of allSlots) await publisher.send(publisher.run(slot), { count: 3 })
      const receiver = await openReceiver(streamer, stepReceiver, claimsOf([0, 1]))
      const inHand = await takeCount(scope, receiver, 6, 'every event comes')
      await receiver.assign(claimsOf([1, 2]))
      const added = await drainCount(scope, receiver, 3, 'a slot that is added is read')
      checkEqual(slotsOf(added), [2], 'deliveries of a slot that stays are not handed out again')
      const [kept, gone] = [inHand.filter(({ slot }) => slot === 1), inHand.filter(({ slot }) => slot === 0)]
      await ackAll(scope, kept)
      await checkRejects(
        scope.within(checkPresent(gone[0], 'a delivery').ack(), 'ack answers'),
        'Fenced',
        'an ack of a slot that was given back rejects with Fenced',
      )
      await receiver.assign(claimsOf([0, 1, 2]))
      const back = await drainCount(scope, receiver, 3, 'deliveries of a slot that went are given back, and come again')
      checkEqual(
        [slotsOf(back), versionsOf(back)],
        [[0], [1, 2, 3]],
        'deliveries of a slot that went are given back, and those of a slot that stayed are not',
      )
    },
  },
  {
    name: 'a newer holder takes a slot over, and the older one is told once and goes on with the rest',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      const run = publisher.run(0)
      await publisher.send(run, { count: 3 })
      const old = await openReceiver(streamer, stepReceiver, claimsOf([0, 1], 5))
      await takeCount(scope, old, 3, 'every event comes')
      const young = await openReceiver(streamer, stepReceiver, claimsOf([0], 6))
      checkEqual(
        versionsOf(await takeCount(scope, young, 3, 'the newer holder gets what was in hand')),
        [1, 2, 3],
        'the newer holder gets what was not acknowledged',
      )
      const fenced = await checkRejects(nextBatch(scope, old, 'an older holder is told'), 'Fenced', 'an older holder gets Fenced')
      checkEqual(fenced.details['slots'], [0], '`details.slots` names the slots that were taken')
      await publisher.send(run)
      await publisher.send(publisher.run(1))
      const rest = await drainCount(scope, old, 1, 'an older holder goes on with the rest')
      checkEqual(
        [slotsOf(rest), versionsOf(rest)],
        [[1], [1]],
        'an older holder is told once, and goes on with the slots that it still has',
      )
      checkEqual(versionsOf(await takeCount(scope, young, 1, 'the newer holder goes on')), [4], 'the newer holder goes on')
    },
  },
  {
    name: 'a waiting receiver is told that its slot was taken',
    test: async (scope) => {
      const { streamer } = await scope.stream([stepReceiver])
      const old = await openReceiver(streamer, stepReceiver, claimsOf([0], 1))
      const waiting = nextBatch(scope, old, 'a receiver that waits is told that its slot was taken')
      waiting.catch(() => undefined)
      await scope.quiet()
      await openReceiver(streamer, stepReceiver, claimsOf([0], 2))
      await checkRejects(waiting, 'Fenced', 'a receiver that waits is told that its slot was taken')
    },
  },
  {
    name: "a zombie's acks are refused and move nothing",
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      await publisher.send(publisher.run(), { count: 4 })
      const zombie = await openReceiver(streamer, stepReceiver, claimsOf([0], 1))
      const stale = await takeCount(scope, zombie, 4, 'every event comes')
      const young = await openReceiver(streamer, stepReceiver, claimsOf([0], 2))
      for (const delivery of stale)
        await checkRejects(scope.within(delivery.ack(), 'ack answers'), 'Fenced', "a zombie's ack rejects with Fenced")
      checkEqual(
        versionsOf(await takeCount(scope, young, 4, 'the newer holder gets what was not acknowledged')),
        [1, 2, 3, 4],
        "a zombie's ack moves nothing for the newer holder",
      )
      await young[Symbol.asyncDispose]()
      await checkRejects(
        scope.within(checkPresent(stale[0], 'a delivery').ack(), 'ack answers'),
        'Fenced',
        "a zombie's ack is refused, also when the newer holder is gone",
      )
      checkEqual(
        versionsOf(
          await drainCount(scope, await openReceiver(streamer, stepReceiver, claimsOf([0], 3)), 4, 'what was not acknowledged comes again'),
        ),
        [1, 2, 3, 4],
        "a zombie's acks leave no trace",
      )
    },
  },
  {
    name: 'a claim against a newer holder is refused, and the others are given',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      for (const slot of allSlots) await publisher.send(publisher.run(slot))
      const young = await openReceiver(streamer, stepReceiver, claimsOf([0], 9))
      const opening = await checkRejects(
        () => openReceiver(streamer, stepReceiver, claimsOf([0], 8)),
        'Fenced',
        'opening against a newer holder throws Fenced',
      )
      checkEqual(opening.details['slots'], [0], '`details.slots` names the slots that a newer holder has')
      const old = await openReceiver(streamer, stepReceiver, [])
      const assigning = await checkRejects(
        () => old.assign(claimsOf([0, 1, 2], 8)),
        'Fenced',
        'assigning against a newer holder throws Fenced',
      )
      checkEqual(assigning.details['slots'], [0], '`details.slots` names the slots that a newer holder has')
      checkEqual(
        slotsOf(await drainCount(scope, old, 2, 'the other claims are assigned all the same')),
        [1, 2],
        'the other claims are assigned all the same',
      )
      checkEqual(slotsOf(await drainCount(scope, young, 1, 'the newer holder is not disturbed')), [0], 'the newer holder is not disturbed')
      await young[Symbol.asyncDispose]()
      await checkRejects(
        () => openReceiver(streamer, stepReceiver, claimsOf([0], 8)),
        'Fenced',
        'an older token stays older when the newer holder is gone',
      )
    },
  },
  {
    name: 'a slot without events is fenced like any other',
    test: async (scope) => {
      const { streamer } = await scope.stream([stepReceiver])
      const young = await openReceiver(streamer, stepReceiver, claimsOf([1], 7))
      await young[Symbol.asyncDispose]()
      await checkRejects(
        () => openReceiver(streamer, stepReceiver, claimsOf([1], 6)),
        'Fenced',
        'a claim counts from the moment that it is made, with or without events',
      )
    },
  },
  {
    name: 'the token of a new domain is not compared with those of an old one',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      await publisher.send(publisher.run(), { count: 2 })
      const old = await openReceiver(streamer, stepReceiver, [{ slot: 0, fence: fenceOf(0, 1_200_000, 'leases-1') }])
      const stale = await takeCount(scope, old, 2, 'every event comes')
      const young = await openReceiver(streamer, stepReceiver, [{ slot: 0, fence: fenceOf(0, 5, 'leases-2') }])
      checkEqual(
        versionsOf(await takeCount(scope, young, 2, 'a lease store that lost its data does not lock its users out')),
        [1, 2],
        'tokens are compared within one domain only',
      )
      await checkRejects(
        scope.within(checkPresent(stale[0], 'a delivery').ack(), 'ack answers'),
        'Fenced',
        'the holder of the old domain is fenced',
      )
      await checkRejects(
        () => openReceiver(streamer, stepReceiver, [{ slot: 0, fence: fenceOf(0, 4, 'leases-2') }]),
        'Fenced',
        'tokens of the new domain are compared from then on',
      )
    },
  },
  {
    name: 'a claim of a past domain that comes late shuts nobody out',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      await publisher.send(publisher.run(), { count: 2 })
      const claim = (token: number, domain: string): Parameters<typeof openReceiver>[2] => [{ slot: 0, fence: fenceOf(0, token, domain) }]
      await openReceiver(streamer, stepReceiver, claim(1, 'leases-2'))
      // Sent before the lease store was replaced, and under way until now: it may be refused, or have the slot for a moment.
      await openReceiver(streamer, stepReceiver, claim(9, 'leases-1')).catch((error: unknown) => {
        if (!isWorkflowError(error, 'Fenced')) throw error
      })
      const present = await openReceiver(streamer, stepReceiver, claim(2, 'leases-2'))
      checkEqual(
        versionsOf(await takeCount(scope, present, 2, 'the holder in the present domain has the slot again')),
        [1, 2],
        'a late claim of a past domain is over with the next claim of the present one',
      )
    },
  },
  {
    name: 'tokens are compared as numbers, however large',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      await publisher.send(publisher.run())
      const claim = (token: bigint): Parameters<typeof openReceiver>[2] => [
        { slot: 0, fence: { role: 'orders/0', domain: 'leases-1', token } },
      ]
      for (const token of [9n, 10n, 99n, 100n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 62n]) {
        const receiver = await openReceiver(streamer, stepReceiver, claim(token))
        checkEqual(
          versionsOf(await takeCount(scope, receiver, 1, 'a greater token takes over')),
          [1],
          `a greater token takes over (${token})`,
        )
      }
      await checkRejects(() => openReceiver(streamer, stepReceiver, claim(2n ** 53n + 1n)), 'Fenced', 'tokens are compared exactly')
    },
  },
  {
    name: 'slots that move between holders while events are in flight lose and disorder nothing',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      const runs = Array.from({ length: 8 }, (_, n) => publisher.run(n % allSlots.length))
      const holders = await Promise.all([0, 1, 2].map(() => openReceiver(streamer, stepReceiver, [])))
      const handled = new Map(runs.map(({ runId }) => [runId, 0]))
      const seen = (event: RunEvent): void => {
        const last = handled.get(event.runId) ?? 0
        checkThat(
          event.version <= last + 1,
          'events of a run come in order, whoever holds its slot',
          `version ${event.version} after ${last}`,
        )
        handled.set(event.runId, Math.max(last, event.version))
      }
      const versions = 20
      for (let round = 0; round < versions; round++) {
        await Promise.all(runs.map((run) => publisher.send(run)))
        // Each round gives every slot to another holder; the older one learns of it from its acks or its next receive.
        for (const [n, holder] of holders.entries())
          await holder.assign(
            claimsOf(
              allSlots.filter((slot) => (slot + round) % holders.length === n),
              round + 1,
            ),
          )
        await Promise.all(holders.map((holder) => handleSome(scope.pass, holder, seen, round % 4)))
      }
      for (const holder of holders) await holder[Symbol.asyncDispose]()
      const last = await openReceiver(streamer, stepReceiver, claimsOf(allSlots, versions + 1))
      for (;;) {
        const rest = await whatComes(scope, last)
        if (rest.length === 0) break
        for (const { event } of rest) seen(event)
        await ackAll(scope, rest)
      }
      checkEqual(handled, new Map(runs.map(({ runId }) => [runId, versions])), 'every event comes to somebody, however slots move')
    },
  },
]

/** Receives what is there now and acknowledges it, but for every `skip`-th delivery. */
async function handleSome(
  pass: (ms: number) => Promise<void>,
  receiver: EventReceiver<RunEvent>,
  seen: (event: RunEvent) => void,
  skip: number,
): Promise<void> {
  const stop = new AbortController()
  const receiving = receiver.receive({ max: 5, signal: stop.signal }).catch(() => [])
  await pass(1)
  stop.abort()
  const deliveries = await receiving
  for (const { event } of deliveries) seen(event)
  await Promise.allSettled(deliveries.filter((_, n) => skip === 0 || n % (skip + 1) !== 0).map((delivery) => delivery.ack()))
}
