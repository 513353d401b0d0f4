/** Event streamers that begin in the wrong place. */
import type { StreamerChanger } from '../memory-harness.ts'
import { both, opening, receiverOver, receivers, without } from './breaking-receiver.ts'
import { mutant, type Mutant } from './mutant.ts'

export const positionsMutants: readonly Mutant<StreamerChanger>[] = [
  mutant(
    'names another object as its source',
    (streamer) => ({ ...streamer, source: {} }),
    ...both('a streamer names the store that it reads'),
  ),
  mutant(
    'lists a receiver once for each time that it was ensured',
    (streamer, { shared }) => ({
      ...streamer,
      ensure: async (layout) => {
        shared.set('times', Number(shared.get('times') ?? 0) + 1)
        await streamer.ensure(layout)
      },
      receivers: async (workflowName) => {
        const infos = await streamer.receivers(workflowName)
        return Number(shared.get('times')) > 5 ? [...infos, ...infos] : infos
      },
    }),
    ...both('a layout may be ensured again, and by many at once'),
  ),
  mutant(
    'takes any number of slots for a layout that it knows',
    (streamer) => ({ ...streamer, ensure: (layout) => without('Configuration', streamer.ensure(layout)) }),
    ...both('another number of slots is refused'),
  ),
  mutant(
    'leaves out topics that nobody ensured',
    opening((options) => ({ ...options, topics: options.topics.filter((topic) => topic !== 'orders/unknown') })),
    ...both('a topic that nobody ensured is refused'),
  ),
  mutant(
    'begins at what is sent after its first ensure',
    (streamer, { clock }) => {
      const seen = new Map<string, number>()
      return {
        ...streamer,
        ensure: async (layout) => {
          await streamer.ensure(layout)
          for (const { name } of layout.receivers) {
            const info = (await streamer.receivers(layout.workflowName)).find((each) => each.name === name)
            if (layout.workflowName === 'orders' && layout.receivers.length === 1 && !seen.has(name))
              seen.set(name, info?.lag === 3 ? clock.now() : 0)
          }
        },
        newReceiver: async (options) => {
          const receiver = await streamer.newReceiver(options)
          return receiverOver(receiver, {
            receive: async (receiving) => {
              for (;;) {
                const batch = await receiver.receive(receiving)
                const kept = batch.filter(({ event }) => !options.durable || event.at.getTime() > (seen.get(options.name) ?? 0))
                if (kept.length > 0) return kept
              }
            },
          })
        },
      }
    },
    ...both('a receiver from earliest sees what was there before it'),
    ...both('a removed receiver is forgotten, and begins anew'),
  ),
  mutant(
    'begins a receiver from latest where it is opened',
    (streamer) => ({
      ...streamer,
      newReceiver: async (options) => {
        if (
          options.durable &&
          options.from === 'latest' &&
          (await streamer.receivers(options.workflowName)).some(
            ({ name, lag }) => name === options.name && lag === 2 && options.topics.length === 1,
          )
        ) {
          await streamer.removeReceiver(options.name)
          await streamer.ensure({ workflowName: options.workflowName, topics: options.topics, slots: 4, receivers: [options] })
        }
        return streamer.newReceiver(options)
      },
    }),
    ...both('a receiver from latest begins where it was ensured, not where it was opened'),
    ...both('a known receiver goes on where it was, wherever a new one would begin'),
  ),
  mutant(
    'takes a date for earliest',
    (streamer) => ({
      ...streamer,
      ensure: (layout) =>
        streamer.ensure({
          ...layout,
          receivers: layout.receivers.map((spec) => (spec.from instanceof Date ? { ...spec, from: 'earliest' as const } : spec)),
        }),
    }),
    ...both('a receiver from a date begins with what was sent since'),
  ),
  mutant(
    'begins a known receiver anew when it begins elsewhere',
    (streamer) => {
      const froms = new Map<string, unknown>()
      return {
        ...streamer,
        ensure: async (layout) => {
          for (const { name, from } of layout.receivers) {
            if (froms.has(name) && froms.get(name) !== from) await streamer.removeReceiver(name)
            froms.set(name, from)
          }
          await streamer.ensure(layout)
        },
      }
    },
    ...both('a known receiver goes on where it was, wherever a new one would begin'),
  ),
  mutant(
    'begins every topic that is new to a receiver at earliest',
    (streamer) => ({
      ...streamer,
      ensure: (layout) =>
        streamer.ensure({
          ...layout,
          receivers: layout.receivers.map((spec) =>
            spec.name === 'late' && spec.topics.length > 1 ? { ...spec, from: 'earliest' as const } : spec,
          ),
        }),
    }),
    ...both('a topic that is new to a known receiver begins where the receiver says'),
  ),
  mutant(
    'takes spaces and underscores for one sign',
    (streamer) => ({
      ...streamer,
      newReceiver: (options) => streamer.newReceiver(options.topics[0] === 'orders/a_b' ? { ...options, topics: ['orders/a b'] } : options),
    }),
    ...both('topics whose names look alike are apart'),
  ),
  mutant(
    'shows an ephemeral receiver the first slots only',
    receivers((receiver, options) =>
      options.durable
        ? receiver
        : receiverOver(receiver, {
            receive: async (receiving) => {
              for (;;) {
                const kept = (await receiver.receive(receiving)).filter(({ slot }) => slot < 2)
                if (kept.length > 0) return kept
              }
            },
          }),
    ),
    ...both('an ephemeral receiver sees every slot, from the moment that it is there'),
  ),
  mutant(
    'takes the date of an ephemeral receiver for latest',
    opening((options) => (!options.durable && options.from instanceof Date ? { ...options, from: 'latest' } : options)),
    ...both('an ephemeral receiver from a date sees what was sent since'),
  ),
  mutant(
    'keeps a name for each ephemeral receiver',
    (streamer, { shared }) => ({
      ...streamer,
      newReceiver: (options) => {
        if (!options.durable) shared.set('ephemeral', true)
        return streamer.newReceiver(options)
      },
      receivers: async (workflowName) => [
        ...(await streamer.receivers(workflowName)),
        ...(shared.has('ephemeral') ? [{ name: 'ephemeral-1', topics: [], lag: 0 }] : []),
      ],
    }),
    ...both('an ephemeral receiver leaves nothing behind'),
  ),
]
