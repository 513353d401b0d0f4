/** Event streamers that are wrong about one thing. */
import { isWorkflowError, type Delivery, type RunEvent, type SlotClaim } from '@workflow/core/adapter'
import type { StreamerChanger } from '../memory-harness.ts'
import { acking, batches, opening, receiverOver, receivers } from './breaking-receiver.ts'
import { mutant, type Mutant } from './mutant.ts'

const both = (name: string): readonly string[] => [`${name} (fed by the store)`, `${name} (fed by the sender)`]

/** Ignores errors of one code. */
const without = async (code: Parameters<typeof isWorkflowError>[1], work: Promise<void>): Promise<void> => work.catch((error: unknown) => {
  if (!isWorkflowError(error, code)) throw error
})

const lowered = (claims: readonly SlotClaim[], token: (claim: SlotClaim) => bigint): readonly SlotClaim[] => claims.map((claim) => ({ ...claim, fence: { ...claim.fence, token: token(claim) } }))

export const eventStreamerMutants: readonly Mutant<StreamerChanger>[] = [
  mutant('names another object as its source', (streamer) => ({ ...streamer, source: {} }), ...both('a streamer names the store that it reads')),
  mutant('lists a receiver once for each time that it was ensured', (streamer, { shared }) => ({
    ...streamer,
    ensure: async (layout) => {
      shared.set('times', Number(shared.get('times') ?? 0) + 1)
      await streamer.ensure(layout)
    },
    receivers: async (workflowName) => {
      const infos = await streamer.receivers(workflowName)
      return Number(shared.get('times')) > 5 ? [...infos, ...infos] : infos
    },
  }), ...both('a layout may be ensured again, and by many at once')),
  mutant('takes any number of slots for a layout that it knows', (streamer) => ({ ...streamer, ensure: (layout) => without('Configuration', streamer.ensure(layout)) }), ...both('another number of slots is refused')),
  mutant('leaves out topics that nobody ensured', opening((options) => ({ ...options, topics: options.topics.filter((topic) => topic !== 'orders/unknown') })), ...both('a topic that nobody ensured is refused')),
  mutant('begins at what is sent after its first ensure', (streamer, { clock }) => {
    const seen = new Map<string, number>()
    return {
      ...streamer,
      ensure: async (layout) => {
        await streamer.ensure(layout)
        for (const { name } of layout.receivers) {
          const info = (await streamer.receivers(layout.workflowName)).find((each) => each.name === name)
          if (layout.workflowName === 'orders' && layout.receivers.length === 1 && !seen.has(name)) seen.set(name, info?.lag === 3 ? clock.now() : 0)
        }
      },
      newReceiver: async (options) => {
        const receiver = await streamer.newReceiver(options)
        return receiverOver(receiver, { receive: async (receiving) => {
          for (;;) {
            const batch = await receiver.receive(receiving)
            const kept = batch.filter(({ event }) => !options.durable || event.at.getTime() > (seen.get(options.name) ?? 0))
            if (kept.length > 0) return kept
          }
        } })
      },
    }
  }, ...both('a receiver from earliest sees what was there before it'), ...both('a removed receiver is forgotten, and begins anew')),
  mutant('begins a receiver from latest where it is opened', (streamer) => ({ ...streamer, newReceiver: async (options) => {
    if (options.durable && options.from === 'latest' && (await streamer.receivers(options.workflowName)).some(({ name, lag }) => name === options.name && lag === 2 && options.topics.length === 1)) {
      await streamer.removeReceiver(options.name)
      await streamer.ensure({ workflowName: options.workflowName, topics: options.topics, slots: 4, receivers: [options] })
    }
    return streamer.newReceiver(options)
  } }), ...both('a receiver from latest begins where it was ensured, not where it was opened'), ...both('a known receiver goes on where it was, wherever a new one would begin')),
  mutant('takes a date for earliest', (streamer) => ({ ...streamer, ensure: (layout) => streamer.ensure({ ...layout, receivers: layout.receivers.map((spec) => (spec.from instanceof Date ? { ...spec, from: 'earliest' as const } : spec)) }) }), ...both('a receiver from a date begins with what was sent since')),
  mutant('begins a known receiver anew when it begins elsewhere', (streamer) => {
    const froms = new Map<string, unknown>()
    return { ...streamer, ensure: async (layout) => {
      for (const { name, from } of layout.receivers) {
        if (froms.has(name) && froms.get(name) !== from) await streamer.removeReceiver(name)
        froms.set(name, from)
      }
      await streamer.ensure(layout)
    } }
  }, ...both('a known receiver goes on where it was, wherever a new one would begin')),
  mutant('begins every topic that is new to a receiver at earliest', (streamer) => ({ ...streamer, ensure: (layout) => streamer.ensure({ ...layout, receivers: layout.receivers.map((spec) => (spec.name === 'late' && spec.topics.length > 1 ? { ...spec, from: 'earliest' as const } : spec)) }) }), ...both('a topic that is new to a known receiver begins where the receiver says')),
  mutant('takes spaces and underscores for one sign', (streamer) => ({
    ...streamer,
    newReceiver: (options) => streamer.newReceiver(options.topics[0] === 'orders/a_b' ? { ...options, topics: ['orders/a b'] } : options),
  }), ...both('topics whose names look alike are apart')),
  mutant('shows an ephemeral receiver the first slots only', receivers((receiver, options) => (options.durable ? receiver : receiverOver(receiver, { receive: async (receiving) => {
    for (;;) {
      const kept = (await receiver.receive(receiving)).filter(({ slot }) => slot < 2)
      if (kept.length > 0) return kept
    }
  } }))), ...both('an ephemeral receiver sees every slot, from the moment that it is there')),
  mutant('takes the date of an ephemeral receiver for latest', opening((options) => (!options.durable && options.from instanceof Date ? { ...options, from: 'latest' } : options)), ...both('an ephemeral receiver from a date sees what was sent since')),
  mutant('keeps a name for each ephemeral receiver', (streamer, { shared }) => ({
    ...streamer,
    newReceiver: (options) => {
      if (!options.durable) shared.set('ephemeral', true)
      return streamer.newReceiver(options)
    },
    receivers: async (workflowName) => [...await streamer.receivers(workflowName), ...(shared.has('ephemeral') ? [{ name: 'ephemeral-1', topics: [], lag: 0 }] : [])],
  }), ...both('an ephemeral receiver leaves nothing behind')),

  mutant('forgets where a run came from', batches((batch) => batch.map((delivery) => (delivery.slot === 2 && delivery.event.version === 2 && delivery.event.topics.length === 2 ? { ...delivery, event: { ...delivery.event, states: [] } } : delivery))), ...both('events come as they were sent')),
  mutant('hands a batch out backwards', batches((batch) => (batch.length === 7 ? batch.toReversed() : batch)), ...both('the events of a run come in the order in which they were sent')),
  mutant('hands out again what is not acknowledged within a minute', receivers((receiver) => {
    let first: readonly Delivery<RunEvent>[] = []
    let told = false
    return receiverOver(receiver, { receive: async (options) => {
      if (first.length === 2 && !told && options.max === 100) {
        told = true
        return first
      }
      const batch = await receiver.receive(options)
      if (options.max === 2 && first.length === 0) first = batch
      return batch
    } })
  }), ...both('nothing is handed out twice while its receiver lives')),
  mutant('wakes nobody up after the first event', receivers((receiver) => {
    let batchesCount = 0
    return receiverOver(receiver, { receive: async (options) => {
      if (batchesCount === 1 && options.max === 100) await Promise.race([new Promise<void>(() => undefined), new Promise((_, reject) => { options.signal.addEventListener('abort', () => reject(options.signal.reason as Error)) })])
      const batch = await receiver.receive(options)
      if (batch.length === 1 && batch[0]?.slot === 1 && batch[0].event.version === 1) batchesCount++
      return batch
    } })
  }), ...both('a receiver that waits wakes up when an event is sent'), ...both('events that one instance sends come to another')),
  mutant('throws an error of its own when a wait is aborted', receivers((receiver) => receiverOver(receiver, { receive: (options) => receiver.receive(options).catch((error: unknown) => {
    throw options.signal.aborted && options.max === 10 ? new Error('aborted') : error
  }) })), ...both('a wait that is aborted throws the reason and loses nothing')),
  mutant('drops what comes while a wait is being aborted', receivers((receiver) => receiverOver(receiver, { receive: async (options) => {
    const batch = await receiver.receive(options)
    await Promise.resolve()
    if (options.max === 1) options.signal.throwIfAborted()
    return batch
  } })), ...both('an event that comes while a wait is being aborted is not lost')),
  mutant('drops an event whose version it has handed out', receivers((receiver) => {
    const seen = new Set<string>()
    return receiverOver(receiver, { receive: async (options) => {
      for (;;) {
        const kept = (await receiver.receive(options)).filter(({ event }) => {
          const isNew = !seen.has(`${event.runId} ${event.version}`)
          seen.add(`${event.runId} ${event.version}`)
          return event.kind !== 'reemit' || isNew
        })
        if (kept.length > 0) return kept
      }
    } })
  }), ...both('the same version may be sent again and comes again')),
  mutant('does not look at `except`', receivers((receiver) => receiverOver(receiver, { receive: ({ max, signal }) => receiver.receive({ max, signal }) })), ...both('a saturated topic holds no other one up, and comes whole when it is wanted again')),
  mutant('acknowledges for every receiver', (streamer, { shared }) => ({ ...streamer, newReceiver: async (options) => {
    const receiver = await streamer.newReceiver(options)
    return receiverOver(receiver, { receive: async (receiving) => {
      for (;;) {
        const batch = await receiver.receive(receiving)
        const kept = batch.filter(({ event }) => !(options.durable && options.name === 'hooks' && shared.has(`${event.runId} ${event.version}`)))
        for (const { event } of kept) shared.set(`${event.runId} ${event.version}`, true)
        if (kept.length > 0) return kept
      }
    } })
  } }), ...both('each receiver has every event, at its own pace')),
  mutant('shows a receiver the events of others', receivers((receiver) => receiverOver(receiver, { receive: async (options) => (await receiver.receive(options)).map((delivery) => (delivery.topic === 'orders/status-3' ? { ...delivery, topic: 'orders/status-0' } : delivery)) })), ...both('many receivers wait at once, each for its own'), ...both('a layout of many topics, slots and receivers costs nobody an event')),

  mutant('forgets the last ack of a batch', batches((batch) => batch.map((delivery, n) => (n === 2 && batch.length === 6 && batch.every(({ slot }) => slot === 0) ? { ...delivery, ack: async () => undefined } : delivery))), ...both('what was not acknowledged comes again after its receiver, in order, and nothing else'), ...both('a gap in the acks survives receivers until it is filled')),
  mutant('takes an ack for all that came before it', batches((batch) => (batch.length === 8 && batch.every(({ slot }) => slot === 0) ? acking(batch, async (delivery) => { for (const each of batch) if (each.event.version <= delivery.event.version) await each.ack() }) : batch)), ...both('a gap in the acks survives receivers until it is filled')),
  mutant('forgets acks that come before those of earlier events', batches((batch) => {
    const acked = new Set<number>()
    return batch.length >= 40 ? acking(batch, async (delivery) => {
      const place = batch.indexOf(batch.find(({ event }) => event.runId === delivery.event.runId && event.version === delivery.event.version) ?? delivery)
      acked.add(place)
      if (place === 0 || acked.has(place - 1)) await delivery.ack()
    }) : batch
  }), ...both('acks in any order leave nothing to come again')),
  mutant('counts a repeated ack for the next event', batches((batch) => {
    const times = new Map<number, number>()
    return batch.length === 4 && batch.every(({ slot }) => slot === 0) ? acking(batch, async (delivery) => {
      const place = batch.findIndex(({ event }) => event === delivery.event)
      times.set(place, (times.get(place) ?? 0) + 1)
      await delivery.ack()
      if (place === 2 && times.get(place) === 2) await batch[3]?.ack()
    }) : batch
  }), ...both('acknowledging again does no harm')),
  mutant('takes an ack in one topic for all topics', batches((batch) => (batch.length === 8 && new Set(batch.map(({ topic }) => topic)).size === 2 ? acking(batch, async (delivery) => { for (const each of batch) if (each.event === delivery.event) await each.ack() }) : batch)), ...both('acks of one receiver, topic or slot say nothing about another')),
  mutant('acknowledges what it hands out while it lives', (streamer, { shared }) => ({ ...streamer, newReceiver: async (options) => {
    const receiver = await streamer.newReceiver(options)
    const first = !shared.has('first')
    shared.set('first', true)
    return receiverOver(receiver, { receive: async (receiving) => {
      const batch = await receiver.receive(receiving)
      if (first && batch.length === 5 && batch.every(({ slot }) => slot === 0)) for (const delivery of batch) await delivery.ack()
      return batch
    } })
  } }), ...both('what a dead instance had in hand comes to the next one')),
  mutant('acknowledges everything when it closes', (streamer) => {
    const open: Delivery<RunEvent>[] = []
    return {
      ...streamer,
      newReceiver: async (options) => {
        const receiver = await streamer.newReceiver(options)
        return receiverOver(receiver, { receive: async (receiving) => {
          const batch = await receiver.receive(receiving)
          if (batch.length === 6) open.push(...batch)
          return batch
        } })
      },
      close: async () => {
        await Promise.allSettled(open.map((delivery) => delivery.ack()))
        await streamer.close()
      },
    }
  }, ...both('cursors are there after closing and opening again')),

  mutant('reads one slot that nobody claimed', opening((options) => (options.durable && options.claims.length === 2 && options.claims[1]?.slot === 3 ? { ...options, claims: [...options.claims, { slot: 2, fence: { role: 'orders/2', domain: 'leases-1', token: 1n } }] } : options)), ...both('a receiver sees the slots that it claims, and no other')),
  mutant('forgets the claims that it has when it is assigned one', receivers((receiver, options) => (options.durable && options.claims.length === 0 ? receiverOver(receiver, { assign: (claims) => receiver.assign(claims.length === 1 ? [] : claims) }) : receiver)), ...both('a receiver without claims waits until it is assigned some')),
  mutant('gives everything back when it is assigned something', receivers((receiver, options) => (options.durable && options.claims.length === 2 && options.claims[1]?.slot === 1 ? receiverOver(receiver, { assign: async (claims) => {
    await receiver.assign([])
    await receiver.assign(claims)
  } }) : receiver)), ...both('slots that stay are not disturbed by an assignment')),
  mutant('tells a fenced receiver again and again', receivers((receiver) => {
    let fenced: unknown
    return receiverOver(receiver, { receive: async (options) => {
      if (fenced !== undefined) throw fenced
      return receiver.receive(options).catch((error: unknown) => {
        if (isWorkflowError(error, 'Fenced')) fenced = error
        throw error
      })
    } })
  }), ...both('a newer holder takes a slot over, and the older one is told once and goes on with the rest')),
  mutant('tells nobody who waits that a slot was taken', receivers((receiver, options) => (options.durable && options.claims.length === 1 && options.claims[0]?.fence.token === 1n ? receiverOver(receiver, { receive: (receiving) => receiver.receive(receiving).catch((error: unknown) => {
    if (isWorkflowError(error, 'Fenced')) return receiver.receive({ ...receiving, signal: receiving.signal })
    throw error
  }) }) : receiver)), ...both('a waiting receiver is told that its slot was taken'), ...both('a slot moves from one instance to another, and the first is fenced')),
  mutant("takes a zombie's acks in silence", batches((batch) => (batch.length === 4 && batch.every(({ slot }) => slot === 0) ? acking(batch, (delivery) => without('Fenced', delivery.ack())) : batch)), ...both("a zombie's acks are refused and move nothing"), ...both('a slot moves from one instance to another, and the first is fenced')),
  mutant('forgets the other claims when one is refused', receivers((receiver, options) => (options.durable && options.claims.length === 0 ? receiverOver(receiver, { assign: (claims) => receiver.assign(claims).catch(async (error: unknown) => {
    await receiver.assign([])
    throw error
  }) }) : receiver)), ...both('a claim against a newer holder is refused, and the others are given')),
  mutant('forgets a claim without events', opening((options) => (options.durable && options.claims.length === 1 && options.claims[0]?.slot === 1 && options.claims[0].fence.token < 7n ? { ...options, claims: lowered(options.claims, () => 7n) } : options)), ...both('a slot without events is fenced like any other')),
  mutant('compares tokens of all domains', (streamer) => {
    let greatest = 0n
    return { ...streamer, newReceiver: (options) => {
      const claim = options.durable && options.claims.length === 1 ? options.claims[0] : undefined
      if (claim !== undefined && claim.fence.token > 1_000_000n && claim.fence.token < 2_000_000n) greatest = claim.fence.token
      return streamer.newReceiver(options.durable && claim !== undefined && claim.fence.domain === 'leases-2' && claim.fence.token < greatest ? { ...options, claims: [{ ...claim, fence: { ...claim.fence, domain: 'leases-1' } }] } : options)
    } }
  }, ...both('the token of a new domain is not compared with those of an old one')),
  mutant('compares tokens as floating-point numbers', opening((options) => (options.durable ? { ...options, claims: lowered(options.claims, ({ fence }) => (fence.token > 2n ** 53n ? BigInt(Number(fence.token)) - 1n : fence.token)) } : options)), ...both('tokens are compared as numbers, however large')),
  mutant('takes acks of slots that have moved on', (streamer) => ({ ...streamer, newReceiver: async (options) => {
    const receiver = await streamer.newReceiver(options)
    return receiverOver(receiver, { receive: async (receiving) => {
      const batch = await receiver.receive(receiving)
      return receiving.max === 5 ? batch.filter((delivery, n) => {
        if (n === 4) void delivery.ack().catch(() => undefined)
        return n !== 4
      }) : batch
    } })
  } }), ...both('slots that move between holders while events are in flight lose and disorder nothing')),

  mutant('forgets since when it lags', (streamer) => ({ ...streamer, receivers: async (workflowName) => (await streamer.receivers(workflowName)).map(({ oldest: _oldest, ...info }) => info) }), ...both('durable receivers are listed with their lag, running or not')),
  mutant('keeps the cursors of a removed receiver', (streamer, { shared }) => ({
    ...streamer,
    removeReceiver: async (name) => { shared.set(name, true) },
    receivers: async (workflowName) => (await streamer.receivers(workflowName)).filter(({ name }) => !shared.has(name)),
  }), ...both('a removed receiver is forgotten, and begins anew'), ...both('closing a streamer ends everything that it started')),
  mutant('lets a disposed receiver wait for ever', receivers((receiver) => receiverOver(receiver, { receive: (options) => receiver.receive(options).catch((error: unknown) => (isWorkflowError(error, 'Stopped') && options.max === 100 ? new Promise<never>(() => undefined) : Promise.reject(error as Error))) })), ...both('disposing a receiver ends its wait and gives back what it had'), ...both('closing a streamer ends everything that it started')),
  mutant('goes on listing after close', (streamer) => ({ ...streamer, receivers: (workflowName) => streamer.receivers(workflowName).catch(() => []) }), ...both('closing a streamer ends everything that it started')),
  mutant('leaves a timer alive', (streamer, { clock }) => {
    clock.setTimer(1e9, () => undefined)
    return streamer
  }, ...both('closing a streamer leaves nothing alive')),
  mutant('hears of the events of others by asking, and asks too seldom', (streamer, { shared }) => {
    const own = Symbol('instance')
    return { ...streamer,
      ensure: async (layout) => {
        shared.set('ensured by', shared.get('ensured by') ?? own)
        await streamer.ensure(layout)
      },
      newReceiver: async (options) => {
        const receiver = await streamer.newReceiver(options)
        const other = shared.get('ensured by') !== own
        return receiverOver(receiver, { receive: async (receiving) => {
          const batch = await receiver.receive(receiving)
          if (other && options.durable && options.claims[0]?.fence.token === 1n) await new Promise((_, reject) => { receiving.signal.addEventListener('abort', () => reject(receiving.signal.reason as Error)) })
          return batch
        } })
      } }
  }, ...both('events that one instance sends come to another')),
  mutant('sends a batch backwards', (streamer) => ({ ...streamer, newSender: async () => {
    const sender = await streamer.newSender()
    let sent = 0
    return { send: (events) => sender.send(++sent === 2 ? events.toReversed() : events), [Symbol.asyncDispose]: () => Promise.resolve(sender[Symbol.asyncDispose]()) }
  } }), 'a sender sends in order, and nothing is nothing (fed by the sender)', 'a receiver from latest begins where it was ensured, not where it was opened (fed by the sender)', 'a receiver from a date begins with what was sent since (fed by the sender)', 'an ephemeral receiver from a date sees what was sent since (fed by the sender)', 'events that one instance sends come to another (fed by the sender)', 'lost events are told once per loss, and the receiver goes on (fed by the sender)'),
  mutant('passes over lost events in silence', receivers((receiver) => receiverOver(receiver, { receive: (options) => receiver.receive(options).catch((error: unknown) => {
    if (isWorkflowError(error, 'EventsLost')) return receiver.receive(options)
    throw error
  }) })), ...both('lost events are told once per loss, and the receiver goes on')),
]
