/** Every line about a run says which one, in which trace; and none says what is in it. That they have ids is checked in every world. */
import { after, StoreUnavailable, unchecked, workflow } from '@workflow/core'
import { type Change, type RunRecord, slotOf, stateTopicOf, topicOf } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { memoryConnector } from '../../src/memory-connector.ts'
import { receiving, World } from './world.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const traceparent = `00-${traceId}-b7ad6b7169203331-01`
const secret = 'hunter2'
const jobs = workflow('jobs', {
  object: unchecked<{ secret: string; mode?: string }>(),
  graph: {
    made: { step: ['open', 'done'] },
    open: { callback: ['open', 'done'], timeout: ['late'] },
    done: {},
    late: {},
  },
  payloads: { open: z.string() },
})

/** The lines about runs: all of them must be in the trace that the runs were triggered in. */
function traced(world: World): readonly string[] {
  const about = world.logs.filter(({ fields }) => fields['runId'] !== undefined)
  expect(about.filter(({ fields }) => fields['traceId'] !== traceId)).toEqual([])
  expect(JSON.stringify(world.logs)).not.toContain(secret)
  return [...new Set(about.map(({ message }) => message))]
}

test('attempts, hooks and callbacks that fail', async () => {
  await using world = new World()
  let hooks = 0
  const wf = await world.start((ports) =>
    jobs
      .addStep(
        'made',
        async (run) => {
          run.logger.debug({ more: 1 }, 'from the handler')
          if (run.attempt < 3) throw new Error('no luck')
          return 'open'
        },
        { errBackOff: '10s' },
      )
      .addCallback(
        'open',
        async () => {
          throw new Error('no luck either')
        },
        { pauseAfterErrCount: 1 },
      )
      .addTimeout('open', after('1h'), async () => 'late')
      .onPause(async (_run, { logger }) => {
        logger.debug({}, 'from the hook')
        if (++hooks < 3) throw new Error('nor here')
      })
      .build(ports),
  )
  const runId = await wf.trigger('j', { initialValue: { secret }, traceparent })
  await world.until(async () => (await wf.lookup(runId))?.status === 'open')
  await wf.callback({ runId }, 'open', secret)
  await world.until(() => hooks === 3)
  expect(traced(world)).toEqual(
    expect.arrayContaining([
      'from the handler',
      'the attempt failed; trying again',
      'the attempt failed too often; pausing the run',
      'from the hook',
      'a hook failed; trying again',
    ]),
  )
  expect(world.logged('warn', 'a hook failed')[0]?.fields).toMatchObject({
    process: 'hook pause',
    runId,
    foreignId: 'j',
    version: 3,
    attempt: 1,
  })
})

test('events from the future, a status that no code has, an object that cannot be read, an event that was lost', async () => {
  await using world = new World()
  const start = (instance: string): Promise<unknown> =>
    world.start(
      (ports) =>
        jobs
          .addStep('made', async () => 'open')
          .addCallback('open', async () => 'open')
          .addTimeout('open', after('1000h'), async () => 'late')
          .onComplete(async () => undefined)
          .build(ports),
      instance,
    )
  const { recordStore } = world.ports('c')
  const client = jobs.client(world.ports('c'))
  const runId = await client.trigger('j', { initialValue: { secret }, traceparent })
  await start('a')
  await world.until(async () => (await client.lookup(runId))?.status === 'open')
  const at = new Date(world.clock.now())
  const event = { v: 1, kind: 'transition', workflowName: 'jobs', states: ['Running'], status: 'open', at, traceparent } as const
  const emit = (foreignId: string, id: string, version: number, topic: string): Promise<unknown> =>
    recordStore.commit({
      id: `emit ${id} ${topic}`,
      emit: [{ ...event, foreignId, runId: id, version, topics: [topic], slot: slotOf(id, 2) }],
    })
  await emit('j', runId, 9, topicOf('jobs', 'open'))
  await emit('j', runId, 9, stateTopicOf('jobs', 'Completed'))
  await emit('n', 'nobody', 1, topicOf('jobs', 'open'))
  const record = await recordStore.lookup(runId)
  if (record === undefined) throw new Error('the run is gone')
  const { seq: _seq, ...stored } = record
  const moved = { ...stored, version: 3, status: 'unheard of', object: { ...stored.object, bytes: new Uint8Array([255]) } }
  const history = {
    runId,
    version: 3,
    unitId: 'move',
    to: moved.status,
    states: ['Running'],
    by: 'step',
    at,
    attempt: 1,
    instance: 'x',
  } as const
  await recordStore.commit({
    id: 'move',
    changes: [
      {
        expect: 2,
        next: moved,
        history,
        event: {
          ...event,
          foreignId: 'j',
          runId,
          version: 3,
          status: moved.status,
          topics: [topicOf('jobs', 'made')],
          slot: slotOf(runId, 2),
        },
      },
    ],
  })
  await world.pass(10_000)
  await client.list()
  const lost = await recordStore.commit({ id: 'lost', changes: [lostChange(record, at)] })
  expect(lost.ok).toBe(true)
  await world.pass(600_000)
  expect(traced(world)).toEqual(
    expect.arrayContaining([
      'an event is newer than the stored run: dropping it',
      'an event is newer than the stored run: its hook is not called',
      'an event or timer of a run that is not stored: dropping it',
      'the run is at a status that this code does not have: it waits for code that does',
      'listing a run without its object, which cannot be read',
      'nothing has come of this run for long: sending its event again',
    ]),
  )
})

/** Another run, whose event goes nowhere. */
function lostChange({ seq: _seq, ...record }: RunRecord, at: Date): Change {
  const next = {
    ...record,
    runId: 'lost',
    foreignId: 'lost',
    version: 1,
    status: 'made',
    runState: 'Initiated',
    entered: { version: 1, at },
  } as const
  return {
    expect: 'absent',
    next,
    history: { runId: 'lost', version: 1, unitId: 'lost', to: 'made', states: ['Initiated'], by: 'trigger', at, attempt: 1, instance: 'x' },
    event: {
      v: 1,
      kind: 'transition',
      workflowName: 'jobs',
      foreignId: 'lost',
      runId: 'lost',
      version: 1,
      status: 'made',
      states: ['Initiated'],
      topics: [],
      slot: slotOf('lost', 2),
      at,
      traceparent,
    },
  }
}

test('a store that is away, and acknowledgements that fail', async () => {
  await using world = new World()
  const away = { commit: 0, lookup: 0, ack: 0 }
  const fails = (what: keyof typeof away): boolean => away[what] > 0 && away[what]-- > 0
  const wf = await world.start(
    (ports) =>
      jobs
        .addStep('made', async () => {
          away.commit = 1
          return 'open'
        })
        .addCallback('open', async () => 'done')
        .addTimeout('open', after('1000h'), async () => 'late')
        .build({
          ...ports,
          eventStreamer: {
            ...ports.eventStreamer,
            newReceiver: async (options) => {
              const receiver = await ports.eventStreamer.newReceiver(options)
              return receiving(receiver, {
                receive: async (how) =>
                  (await receiver.receive(how)).map((delivery) => ({
                    ...delivery,
                    event: delivery.event,
                    ack: async () => {
                      if (fails('ack')) throw new StoreUnavailable('the stream is away')
                      await delivery.ack()
                    },
                  })),
              })
            },
          },
        }),
    'a',
    {
      change: (store) => ({
        ...store,
        commit: async (...args) => {
          const result = await store.commit(...args)
          if (fails('commit')) throw new StoreUnavailable('the answer was lost')
          return result
        },
        lookup: async (runId) => {
          if (fails('lookup')) throw new StoreUnavailable('the store is away')
          return await store.lookup(runId)
        },
      }),
    },
  )
  away.lookup = 1
  away.ack = 1
  const runId = await jobs.client(world.ports('c')).trigger('j', { initialValue: { secret }, traceparent })
  await world.within(wf.await(runId, 'open'))
  await world.until(() => world.logged('warn', 'an acknowledgement failed').length > 0)
  expect(traced(world)).toEqual(
    expect.arrayContaining([
      'a run could not be looked at; trying again',
      'the outcome of a commit is unknown; sending the same unit again',
      'an acknowledgement failed; trying again',
    ]),
  )
  expect(world.logged('warn', 'the outcome of a commit')[0]?.fields).toMatchObject({ workflow: 'jobs', runId, foreignId: 'j', version: 2 })
})

test('events of connectors and schedules say which, without what is in them', async () => {
  await using world = new World()
  const scans = memoryConnector({ clock: world.clock })
  let calls = 0
  const wf = await world.start((ports) =>
    jobs
      .addStep('made', async () => 'done')
      .addCallback('open', async () => 'done')
      .addTimeout('open', after('1h'), async () => 'late')
      .addConnector('scans', z.object({ n: z.number() }), async () => {
        if ((calls += 1) === 1) throw new Error('no luck')
      })
      .build({ ...ports, connectors: { scans } }),
  )
  await world.until(() => wf.states().some(({ name, state }) => name === 'connector scans' && state === 'running'))
  await world.turns()
  await scans.publish([
    { id: 'good', key: 'a', value: { n: 1 }, headers: { traceparent } },
    { id: 'bad', key: 'b', value: { n: secret } },
  ])
  await world.until(() => calls === 2)
  const about = { workflow: 'jobs', process: 'connector scans', attempt: 1 }
  expect(world.logged('warn', 'a connector failed')[0]?.fields).toMatchObject({ ...about, eventId: 'good', traceId })
  expect(world.logged('error', 'does not fit the schema')[0]?.fields).toMatchObject({ ...about, eventId: 'bad' })
  expect(JSON.stringify(world.logs)).not.toContain(secret)
})
