/** Schedules: runs at set times, one owner over all instances, nothing lost by a restart and nothing fired twice. */
import { unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { gate, type Ports, World } from './world.ts'

const reports = workflow('reports', { object: unchecked<{ readonly at?: string }>(), graph: { due: { step: ['sent'] }, sent: {} } })
const definition = reports.addStep('due', async () => 'sent')

/** For what times runs were started, in the order of their creation. */
async function times(wf: ReturnType<typeof definition.build>): Promise<readonly string[]> {
  return (await wf.list({ order: 'oldest', limit: 1_000 })).items.map(({ metadata }) => (metadata['scheduledFor'] ?? '').slice(0, 16))
}

test('a cron schedule starts a run at each of its times, also after a restart', async () => {
  await using world = new World({ calm: true })
  const a = await world.start((ports) => definition.build(ports))
  await a.schedule('nightly', '30 3 * * *', { initialValue: {} })
  await world.pass(36 * 3_600_000)
  expect(await times(a)).toEqual(['2026-01-01T03:30', '2026-01-02T03:30'])
  await world.within(a.stop())
  const b = await world.start((ports) => definition.build(ports), 'b')
  await world.pass(24 * 3_600_000)
  expect(await times(b)).toEqual(['2026-01-01T03:30', '2026-01-02T03:30', '2026-01-03T03:30'])
  expect((await b.list({ foreignId: 'nightly' })).items).toHaveLength(3)
})

test('@every counts from the epoch, macros and names work', async () => {
  await using world = new World({ calm: true })
  const wf = await world.start((ports) => definition.build(ports))
  await wf.schedule('every', '@every 90s', { initialValue: {} })
  await world.pass(5 * 60_000)
  expect(await times(wf)).toEqual(['2026-01-01T00:01', '2026-01-01T00:03', '2026-01-01T00:04'])
})

test('two instances that both registered it start each run once; when the owner dies the other goes on', async () => {
  await using world = new World()
  const register = async (name: string): Promise<ReturnType<typeof definition.build>> => {
    const wf = await world.start((ports) => definition.build(ports), name)
    await wf.schedule('hourly', '@hourly', { initialValue: (at) => ({ at: at.toISOString() }) })
    return wf
  }
  await register('a')
  const b = await register('b')
  await world.pass(2 * 3_600_000 + 60_000)
  expect(await times(b)).toEqual(['2026-01-01T01:00', '2026-01-01T02:00'])
  world.kill('a')
  await world.pass(3_600_000)
  expect(await times(b)).toEqual(['2026-01-01T01:00', '2026-01-01T02:00', '2026-01-01T03:00'])
  expect((await b.list({ order: 'oldest' })).items.map(({ object }) => object?.at)).toEqual([
    '2026-01-01T01:00:00.000Z',
    '2026-01-01T02:00:00.000Z',
    '2026-01-01T03:00:00.000Z',
  ])
})

test('a zombie that fires a time again, after its run has completed, starts nothing', async () => {
  await using world = new World()
  const held = gate()
  const go = gate()
  let first = true
  // The one whose commit is on its way when it loses the role.
  const a = await world.start((ports) => definition.build(ports), 'a', {
    slots: 1,
    change: (store) => ({
      ...store,
      commit: async (unit, options) => {
        if (first && unit.id.startsWith('schedule/')) {
          first = false
          held.resolve()
          await go.promise
        }
        return await store.commit(unit, options)
      },
    }),
  })
  await a.schedule('hourly', '@hourly', { initialValue: {} })
  await world.pass(3_600_000)
  await world.within(held.promise)
  world.database.roles.steal('reports/0')
  const b = await world.start((ports) => definition.build(ports), 'b', { slots: 1 })
  await world.pass(30_000)
  expect(await times(b)).toEqual(['2026-01-01T01:00'])
  expect((await b.list()).items).toMatchObject([{ state: 'Completed' }])
  go.resolve()
  await world.pass(3_600_000)
  expect(await times(b)).toEqual(['2026-01-01T01:00', '2026-01-01T02:00'])
})

test.each([
  [false, ['2026-01-01T01:00', '2026-01-01T10:00', '2026-01-01T11:00']],
  [true, ['01', '02', '03', '04', '05', '06', '07', '08', '09', '10', '11'].map((hour) => `2026-01-01T${hour}:00`)],
])('times that nobody was there for: catchUp %s', async (catchUp, expected) => {
  await using world = new World({ calm: true })
  const a = await world.start((ports) => definition.build(ports))
  await a.schedule('hourly', '@hourly', { initialValue: {}, catchUp })
  await world.pass(3_700_000)
  await world.within(a.stop())
  await world.pass(9 * 3_600_000)
  const b = await world.start((ports) => definition.build(ports), 'b')
  await world.pass(3_600_000)
  expect(await times(b)).toEqual(expected)
})

test('a filter leaves times out, gets the time it is for, and one that throws is asked again', async () => {
  await using world = new World({ calm: true })
  const asked: string[] = []
  let fail = true
  const wf = await world.start((ports) => definition.build(ports))
  await wf.schedule('hourly', '@hourly', {
    initialValue: {},
    filter: async (at) => {
      asked.push(at.toISOString().slice(11, 16))
      if (at.getUTCHours() === 3 && fail) {
        fail = false
        throw new Error('holiday service is down')
      }
      return at.getUTCHours() % 2 === 1
    },
  })
  await world.pass(4 * 3_600_000 + 60_000)
  expect(await times(wf)).toEqual(['2026-01-01T01:00', '2026-01-01T03:00'])
  expect(asked).toEqual(['01:00', '02:00', '03:00', '03:00', '04:00'])
})

test('a time whose run before is not finished is left out with a warning; with catchUp it waits', async () => {
  await using world = new World({ calm: true })
  const slow = reports.addStep('due', async (run) => run.skip())
  const wf = await world.start((ports) => slow.build(ports))
  await wf.schedule('skips', '@hourly', { initialValue: {} })
  await wf.schedule('waits', '@hourly', { initialValue: {}, catchUp: true })
  await world.pass(2 * 3_600_000 + 60_000)
  expect(await times(wf)).toEqual(['2026-01-01T01:00', '2026-01-01T01:00'])
  expect(world.logged('warn', 'a scheduled run was left out')).toHaveLength(1)
  for (const { runId } of (await wf.list()).items) await wf.cancel(runId, { reason: 'over', actor: 'ann' })
  await world.pass(60_000)
  expect((await wf.list({ foreignId: 'waits' })).items.map(({ metadata }) => metadata['scheduledFor'])).toEqual([
    '2026-01-01T02:00:00.000Z',
    '2026-01-01T01:00:00.000Z',
  ])
  expect((await wf.list({ foreignId: 'skips' })).items).toHaveLength(1)
})

test('time zones and daylight saving: a skipped time fires right after the gap, a repeated one once', async () => {
  await using world = new World({ calm: true })
  const wf = await world.start((ports) => definition.build(ports))
  // Berlin: 2026-03-29, 02:00 becomes 03:00 (01:00 UTC); 2026-10-25, 03:00 becomes 02:00 again (01:00 UTC).
  const spring = Date.UTC(2026, 2, 28, 12) - world.clock.now()
  world.clock.jump('wall', spring)
  await wf.schedule('berlin', '30 2 * * *', { initialValue: {}, timezone: 'Europe/Berlin' })
  await world.pass(40 * 3_600_000)
  expect(await times(wf)).toEqual(['2026-03-29T01:00', '2026-03-30T00:30'])
  await world.within(wf.stop())
  await using autumn = new World({ calm: true })
  autumn.clock.jump('wall', Date.UTC(2026, 9, 24, 12) - autumn.clock.now())
  const later = await autumn.start((ports) => definition.build(ports))
  await later.schedule('berlin', '30 2 * * *', { initialValue: {}, timezone: 'Europe/Berlin' })
  await autumn.pass(40 * 3_600_000)
  expect((await times(later)).map((time) => time.slice(0, 10))).toEqual(['2026-10-25', '2026-10-26'])
})

test('stop ends it for every instance, and the same foreign id again replaces it', async () => {
  await using world = new World({ calm: true })
  const a = await world.start((ports) => definition.build(ports), 'a')
  const b = await world.start((ports) => definition.build(ports), 'b')
  const first = await a.schedule('s', '@hourly', { initialValue: {} })
  await b.schedule('s', '*/20 * * * *', { initialValue: {} })
  await world.pass(3_610_000)
  expect(await times(a)).toEqual(['2026-01-01T00:20', '2026-01-01T00:40', '2026-01-01T01:00'])
  await first.stop()
  await first.stop()
  const now = await b.schedule('s', '*/20 * * * *', { initialValue: {} })
  await world.pass(20 * 60_000)
  await now[Symbol.asyncDispose]()
  await world.pass(3_600_000)
  expect(await times(a)).toHaveLength(4)
})

test('registering the same schedule at every start loses no time that was due meanwhile', async () => {
  await using world = new World({ calm: true })
  const start = async (name: string): Promise<ReturnType<typeof definition.build>> => {
    const wf = await world.start((ports) => definition.build(ports), name)
    await wf.schedule('hourly', '@hourly', { initialValue: (at) => ({ at: at.toISOString() }) })
    return wf
  }
  const a = await start('a')
  await world.pass(1_000)
  await world.within(a.stop())
  await world.pass(3_600_000)
  const b = await start('b')
  await world.pass(10_000)
  expect(await times(b)).toEqual(['2026-01-01T01:00'])
})

const impossible: readonly (readonly [string, unknown, object])[] = [
  ['a minute that does not exist', '61 * * * *', {}],
  ['four fields', '* * * *', {}],
  ['six fields', '* * * * * *', {}],
  ['words', 'every day', {}],
  ['an unknown macro', '@fortnightly', {}],
  ['an interval that is none', '@every soon', {}],
  ['no interval', '@every 0ms', {}],
  ['a date that never comes', '0 0 30 2 *', {}],
  ['a zone that does not exist', '0 0 * * *', { timezone: 'Europe/Atlantis' }],
  ['a number', 5, {}],
  ['a start that does not exist', '@hourly', { startAt: 'nowhere' }],
  ['a terminal start', '@hourly', { startAt: 'sent' }],
]

test.each(impossible)('a schedule with %s is refused with the reason', async (_what, spec, more) => {
  await using world = new World({ calm: true })
  const wf = await world.start((ports) => definition.build(ports))
  await expect(wf.schedule('s', spec as '@hourly', { initialValue: {}, ...more } as never)).rejects.toMatchObject({
    code: 'InvalidArgument',
    message: expect.stringMatching(/schedule|start/),
  })
  expect((await world.ports('probe').timeoutStore.list({ status: 'open' }, { limit: 10 })).items).toEqual([])
})

test('a client may schedule what is data, and is told that functions need a worker', async () => {
  await using world = new World({ calm: true })
  const client = reports.client(world.ports('client'))
  await client.schedule('s', '@hourly', { initialValue: {} })
  await expect(client.schedule('f', '@hourly', { initialValue: () => ({}) })).rejects.toMatchObject({
    code: 'InvalidArgument',
    message: expect.stringContaining('runs no handlers'),
  })
  await expect(client.schedule('n', '@hourly', undefined as never)).rejects.toMatchObject({ code: 'InvalidArgument' })
  const wf = await world.start((ports: Ports) => definition.build(ports))
  await world.pass(3_610_000)
  expect(await times(wf)).toEqual(['2026-01-01T01:00'])
})
