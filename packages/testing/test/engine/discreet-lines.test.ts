/** What others quote or hang on their errors is in no line of the engine's; what a handler writes itself is written as it is. */
import { unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { memoryConnector } from '../../src/memory-connector.ts'
import { World } from './world.ts'

const secret = 'hunter2'
/** A schema that quotes what it refuses, as many do by default. */
const quoting = z.object({ card: z.string().refine((card) => card === 'none', { error: ({ input }) => `not ${String(input)}` }) })
const jobs = workflow('jobs', { object: unchecked<{ card: string }>(), graph: { made: { step: ['done'] }, done: {} } })

/** Everything that a logger could write, nested as deep as it goes. */
function written(value: unknown): string {
  if (value instanceof Error)
    return `${value.name} ${value.message} ${value.stack ?? ''} ${JSON.stringify(Object.entries(value))} ${written(value.cause)}`
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.values(value).map(written).join(' ')
}

test('errors of handlers, hooks and schemas are logged without values', async () => {
  await using world = new World()
  const mails = memoryConnector({ clock: world.clock })
  let hooks = 0
  const failure = (): Error =>
    Object.assign(new Error('status 401'), { code: 'ERR_BAD_REQUEST', config: { authorization: secret }, response: { card: secret } })
  const wf = await world.start((ports) =>
    jobs
      .addStep('made', async (run) => {
        if (run.attempt > 1) return 'done'
        run.logger.info({ said: 'by the handler', error: failure() }, 'from the handler')
        throw new Error('the call failed', { cause: failure() })
      })
      .onComplete(async (_run, { logger }) => {
        logger.info({ error: failure() }, 'from the hook')
        if (++hooks < 2) throw failure()
      })
      .addConnector('mails', quoting, async () => undefined)
      .build({ ...ports, connectors: { mails }, defaults: { errBackOff: '1s' } }),
  )
  await world.until(() => wf.states().some(({ name, state }) => name === 'connector mails' && state === 'running'))
  await mails.publish([{ key: 'k', value: { card: secret } }])
  await wf.trigger('j', { initialValue: { card: secret } })
  await world.until(() => hooks === 2)
  await world.turns()
  const own = world.logs.filter(({ message }) => !message.startsWith('from the'))
  expect(own.map(({ message }) => message)).toEqual(
    expect.arrayContaining([
      'the attempt failed; trying again',
      'a hook failed; trying again',
      'skipping an event that does not fit the schema of its connector',
    ]),
  )
  expect(written(own)).not.toContain(secret)
  expect(world.logged('warn', 'the attempt failed')[0]?.fields['error']).toMatchObject({
    message: 'the call failed',
    cause: { message: 'status 401', code: 'ERR_BAD_REQUEST' },
  })
  expect(world.logged('error', 'skipping an event')[0]?.fields['error']).toMatchObject({
    message: expect.stringMatching(/^event .* of connector 'mails' of workflow 'jobs' does not fit its schema, at card$/),
  })
  for (const from of ['from the handler', 'from the hook'])
    expect([from, written(world.logged('info', from)).includes(secret)]).toEqual([from, true])
  await world.within(wf.stop())
  await mails.close()
})
