/** Starting: once more after what can be mended, until it is stopped while something is only away. */
import { Configuration, StoreUnavailable, unchecked, workflow, type WorkflowError } from '@workflow/core'
import { expect, test } from 'vitest'
import { World } from './world.ts'

const jobs = workflow('jobs', { object: unchecked<object>(), graph: { made: { step: ['done'] }, done: {} } })
const definition = jobs.addStep('made', async () => 'done')

test('a start that failed can be tried again', async () => {
  await using world = new World()
  const ports = world.ports()
  let fails = 1
  const wf = definition.build({
    ...ports,
    eventStreamer: {
      ...ports.eventStreamer,
      ensure: async (layout) => {
        if (fails-- > 0) throw new Error('no route to host')
        await ports.eventStreamer.ensure(layout)
      },
    },
  })
  await expect(wf.run()).rejects.toThrow('no route to host')
  expect(wf.ready()).toBe(false)
  await wf.run()
  await world.within(wf.awaitCompletion(await wf.trigger('job', { initialValue: {} })))
  await world.within(wf.stop())
})

test('a start keeps trying while the store or the stream is away, says so, and a stop ends it at once', async () => {
  await using world = new World()
  let away = true
  const build = (instance: string): ReturnType<typeof definition.build> => {
    const ports = world.ports(instance)
    return definition.build({
      ...ports,
      eventStreamer: {
        ...ports.eventStreamer,
        ensure: async (layout) => {
          if (away) throw new StoreUnavailable('nobody listens there')
          await ports.eventStreamer.ensure(layout)
        },
      },
    })
  }
  const wf = build('a')
  const other = build('b')
  const running = wf.run()
  const given = other.run()
  await world.until(() => world.logged('warn', 'could not start; trying again').length >= 8)
  expect(world.logged('warn', 'could not start; trying again')[0]?.fields).toMatchObject({
    workflow: 'jobs',
    error: { code: 'StoreUnavailable' },
    retryInMs: expect.any(Number),
  })
  expect([wf.ready(), wf.healthy()]).toEqual([false, true])
  const before = world.clock.now()
  await other.stop()
  expect(world.clock.now()).toBe(before)
  await expect(given).rejects.toMatchObject({ code: 'Stopped' })
  away = false
  await world.within(running)
  expect(wf.ready()).toBe(true)
  await world.within(wf.awaitCompletion(await wf.trigger('job', { initialValue: {} })))
  await world.within(wf.stop())
})

test('nobody is ready whom the role scheduler does not answer, and a mistake in its options ends the start', async () => {
  await using world = new World()
  const ports = world.ports()
  let trouble: WorkflowError | undefined = new StoreUnavailable('nobody listens there')
  const wf = definition.build({
    ...ports,
    roleScheduler: {
      ...ports.roleScheduler,
      holders: async (roles) => {
        if (trouble !== undefined) throw trouble
        return ports.roleScheduler.holders(roles)
      },
    },
  })
  const running = wf.run()
  await world.until(() => world.logged('warn', 'could not start; trying again').length >= 2)
  expect(wf.ready()).toBe(false)
  trouble = undefined
  await world.within(running)
  expect(wf.ready()).toBe(true)
  await world.within(wf.awaitCompletion(await wf.trigger('job', { initialValue: {} })))
  await world.within(wf.stop())
  trouble = new Configuration('no such user')
  await expect(
    definition.build({ ...ports, roleScheduler: { ...ports.roleScheduler, holders: () => Promise.reject(trouble) } }).run(),
  ).rejects.toBe(trouble)
})

test('the same trouble with roles is told once for all slots, and again after a while', async () => {
  await using world = new World()
  const ports = world.ports()
  let away = true
  const asked = new Map<string, number>()
  const wf = definition.build({
    ...ports,
    roleScheduler: {
      ...ports.roleScheduler,
      awaitRole: async (role, options) => {
        asked.set(role, (asked.get(role) ?? 0) + 1)
        if (away) throw new StoreUnavailable('nobody listens there')
        return ports.roleScheduler.awaitRole(role, options)
      },
    },
  })
  await wf.run()
  const told = (): number => world.logged('error', 'waiting for a role failed').length
  await world.until(() => (asked.get('jobs/0') ?? 0) >= 9)
  expect([asked.size > 1, told()]).toEqual([true, 1])
  await world.until(() => (asked.get('jobs/0') ?? 0) >= 15)
  expect(told()).toBe(2)
  away = false
  await world.within(wf.awaitCompletion(await wf.trigger('job', { initialValue: {} })))
  await world.within(wf.stop())
})
