/** Timeouts: they belong to one stay in a status, and outlive pauses, restarts and crashes. */
import { after, at, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { gate, World } from './world.ts'

interface Offer {
  readonly hours?: number
  readonly until?: string
  fired: string[]
}

const offers = workflow('offers', {
  object: unchecked<Offer>(),
  graph: { made: { step: ['open'] }, open: { callback: ['open', 'taken'], timeout: ['open', 'expired'] }, taken: {}, expired: {} },
})
const base = offers.addStep('made', async () => 'open').addCallback('open', async () => 'taken')
const again = offers.addStep('made', async () => 'open').addCallback('open', async () => 'open')
const offer = (more: Partial<Offer> = {}): Offer => ({ fired: [], ...more })

test('a timer counts from the entry into the status, a date is a date, and a past one fires at once', async () => {
  await using world = new World()
  const wf = await world.start((ports) =>
    base
      .addTimeout(
        'open',
        (run) => (run.object.until === undefined ? after('1h') : at(new Date(run.object.until))),
        async () => 'expired',
      )
      .build(ports),
  )
  const start = world.clock.now()
  const hour = await wf.trigger('hour', { initialValue: offer() })
  const date = await wf.trigger('date', { initialValue: offer({ until: new Date(start + 90_000).toISOString() }) })
  const past = await wf.trigger('past', { initialValue: offer({ until: new Date(start - 90_000).toISOString() }) })
  await world.within(wf.await(past, 'expired'))
  await world.pass(89_000)
  expect(await wf.lookup(date)).toMatchObject({ status: 'open' })
  await world.pass(1_100)
  expect(await wf.lookup(date)).toMatchObject({ status: 'expired' })
  await world.pass(3_600_000 - 91_000)
  expect(await wf.lookup(hour)).toMatchObject({ status: 'open' })
  await world.pass(1_100)
  expect(await wf.lookup(hour)).toMatchObject({ status: 'expired' })
})

test('a computed timer may be none', async () => {
  await using world = new World()
  const wf = await world.start((ports) =>
    base
      .addTimeout(
        'open',
        async () => undefined,
        async () => 'expired',
      )
      .build(ports),
  )
  const runId = await wf.trigger('o', { initialValue: offer() })
  await world.pass(600_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'open' })
  expect((await wf.explain(runId)).waitsFor).toEqual([{ kind: 'callback', status: 'open', queued: 0 }])
})

test('several timeouts of a status fire each at its own time, by name, and moving on cancels the rest', async () => {
  await using world = new World()
  const wf = await world.start((ports) =>
    base
      .addTimeout(
        'open',
        after('10s'),
        async (run) => {
          run.object.fired.push('remind')
          return run.skip()
        },
        { name: 'remind' },
      )
      .addTimeout(
        'open',
        after('20s'),
        async (run) => {
          run.object.fired.push('warn')
          return run.skip()
        },
        { name: 'warn' },
      )
      .addTimeout('open', after('30s'), async () => 'expired', { name: 'expire' })
      .build(ports),
  )
  const left = await wf.trigger('left', { initialValue: offer() })
  const taken = await wf.trigger('taken', { initialValue: offer() })
  await world.pass(15_000)
  expect(await wf.lookup(left)).toMatchObject({ object: { fired: ['remind'] } })
  await wf.callback({ runId: taken }, 'open')
  await world.within(wf.awaitCompletion(taken))
  expect((await world.ports('probe').timeoutStore.list({ owner: taken, status: 'open' }, { limit: 10 })).items).toEqual([])
  await world.pass(20_000)
  expect(await wf.lookup(left)).toMatchObject({ status: 'expired', object: { fired: ['remind', 'warn'] } })
  expect(await wf.lookup(taken)).toMatchObject({ status: 'taken', object: { fired: ['remind'] } })
  expect((await world.ports('probe').timeoutStore.list({ status: 'open' }, { limit: 10 })).items).toEqual([])
})

test.each(['with edits', 'without edits'])('a timeout that skips %s fires once and not for ever', async (edits) => {
  await using world = new World()
  let calls = 0
  const wf = await world.start((ports) =>
    base
      .addTimeout('open', after('10s'), async (run) => {
        calls += 1
        if (edits === 'with edits') run.object.fired.push('x')
        return run.skip()
      })
      .build(ports),
  )
  await wf.trigger('o', { initialValue: offer() })
  await world.pass(100_000)
  expect(calls).toBe(1)
})

test('a timer of an earlier stay never fires, nor does that of an earlier run of the same foreign id', async () => {
  await using world = new World()
  let calls = 0
  const wf = await world.start((ports) =>
    again
      .addTimeout('open', after('10s'), async () => {
        calls += 1
        return 'expired'
      })
      .build(ports),
  )
  const first = await wf.trigger('o', { initialValue: offer() })
  await world.pass(6_000)
  await wf.callback({ runId: first }, 'open')
  await world.pass(6_000)
  expect(calls).toBe(0)
  await wf.cancel(first, { reason: 'new one', actor: 'ann' })
  const second = await wf.trigger('o', { initialValue: offer() })
  await world.pass(8_000)
  expect(calls).toBe(0)
  expect(await wf.lookup(second)).toMatchObject({ status: 'open' })
  await world.pass(3_000)
  expect(await wf.lookup(second)).toMatchObject({ status: 'expired' })
  expect(calls).toBe(1)
})

test('a self-loop starts the timer anew', async () => {
  await using world = new World()
  const wf = await world.start((ports) =>
    base
      .addTimeout('open', after('10s'), async (run) => {
        run.object.fired.push(run.idempotencyKey)
        return run.object.fired.length < 3 ? 'open' : 'expired'
      })
      .build(ports),
  )
  const runId = await wf.trigger('o', { initialValue: offer() })
  await world.pass(29_000)
  expect((await wf.lookup(runId))?.object).toMatchObject({ fired: [`${runId}/2/0`, `${runId}/3/0`] })
  await world.pass(2_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'expired' })
})

test('a timer keeps its time through a pause: not while paused, at once when it passed meanwhile, on time otherwise', async () => {
  await using world = new World()
  const wf = await world.start((ports) => base.addTimeout('open', after('1h'), async () => 'expired').build(ports))
  const audit = { reason: 'holiday', actor: 'ann' }
  const passed = await wf.trigger('passed', { initialValue: offer() })
  const later = await wf.trigger('later', { initialValue: offer() })
  await world.pass(60_000)
  await wf.pause(passed, audit)
  await wf.pause(later, audit)
  expect((await wf.explain(later)).waitsFor).toMatchObject([{ kind: 'person' }])
  await world.pass(30 * 60_000)
  await wf.resume(later, audit)
  await world.pass(28 * 60_000)
  expect(await wf.lookup(later)).toMatchObject({ status: 'open' })
  await world.pass(2 * 60_000)
  expect(await wf.lookup(later)).toMatchObject({ status: 'expired' })
  await world.pass(60 * 60_000)
  expect(await wf.lookup(passed)).toMatchObject({ status: 'open', state: 'Paused' })
  await wf.resume(passed, audit)
  await world.pass(1_000)
  expect(await wf.lookup(passed)).toMatchObject({ status: 'expired' })
})

test('a timer that was on its way when the run was paused fires after the resume', async () => {
  const busy = workflow('busy', { object: unchecked<{}>(), graph: { working: { step: ['done'], timeout: ['late'] }, done: {}, late: {} } })
  await using world = new World()
  const go = gate()
  let calls = 0
  const wf = await world.start((ports) =>
    busy
      .addStep('working', async (run) => {
        calls += 1
        await go.promise
        return run.skip()
      })
      .addTimeout('working', after('10s'), async () => 'late')
      .build(ports),
  )
  const runId = await wf.trigger('b', { initialValue: {} })
  await world.until(() => calls === 1)
  await world.pass(15_000)
  await wf.pause(runId, { reason: 'look', actor: 'ann' })
  go.resolve()
  await world.pass(5_000)
  await wf.resume(runId, { reason: 'go on', actor: 'ann' })
  await world.pass(5_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'late' })
})

test('a timer fires after a restart, also when it expired while nobody was there', async () => {
  await using world = new World()
  const made = base.addTimeout('open', after('10m'), async () => 'expired')
  const first = await world.start((ports) => made.build(ports))
  const runId = await first.trigger('o', { initialValue: offer() })
  await world.within(first.await(runId, 'open'))
  world.kill('a')
  await world.pass(20 * 60_000)
  const second = await world.start((ports) => made.build(ports), 'b')
  expect(await world.within(second.awaitCompletion(runId))).toMatchObject({ status: 'expired' })
})

test('a timer is started for a run that begins at its status, once somebody is there who knows the timer', async () => {
  const starts = workflow('starts', { object: unchecked<{}>(), graph: { open: { timeout: ['expired'] }, expired: {} } })
  await using world = new World()
  const runId = await starts.client(world.ports('client')).trigger('s', { initialValue: {} })
  await world.pass(5_000)
  const wf = await world.start((ports) => starts.addTimeout('open', after('8s'), async () => 'expired').build(ports))
  await world.pass(4_000)
  // It counts from the entry, not from the first worker.
  expect(await wf.lookup(runId)).toMatchObject({ status: 'expired' })
})

test('a timeout that fails is tried again, and its error can be seen', async () => {
  await using world = new World()
  let calls = 0
  const wf = await world.start((ports) =>
    base
      .addTimeout(
        'open',
        after('10s'),
        async () => {
          if (++calls < 4) throw new Error(`try ${calls}`)
          return 'expired'
        },
        { errBackOff: { initial: '2s', factor: 4, jitter: false } },
      )
      .build(ports),
  )
  const runId = await wf.trigger('o', { initialValue: offer() })
  await world.pass(13_000)
  expect(calls).toBe(2)
  expect((await wf.explain(runId)).lastError).toMatchObject({ process: 'timeout open/timeout', message: 'try 2', attempt: 2 })
  await world.pass(60_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'expired' })
  expect((await wf.history(runId)).items.at(-1)).toMatchObject({ by: 'timeout', attempt: 4 })
})

test('the expired timers of many paused runs do not keep newer ones from firing', async () => {
  await using world = new World()
  const wf = await world.start((ports) => base.addTimeout('open', after('10s'), async () => 'expired').build(ports))
  for (let i = 0; i < 600; i++) {
    const runId = await wf.trigger(`paused ${i}`, { initialValue: offer() })
    await wf.pause(runId, { reason: 'flood', actor: 'ann' })
  }
  const held = (await wf.list({ state: 'Paused', limit: 1_000 })).items
  expect(held).toHaveLength(600)
  const runId = await wf.trigger('newer', { initialValue: offer() })
  await world.pass(11_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'expired' })
})

test('a timer whose function throws is tried again, can be seen, and leaves the neighbours alone, also at the start', async () => {
  const starts = workflow('starts', {
    object: unchecked<{ readonly bad?: true }>(),
    graph: { open: { step: ['mid'], timeout: ['expired'] }, mid: { timeout: ['expired'] }, expired: {} },
  })
  await using world = new World()
  let bad = true
  const wf = await world.start(
    (ports) =>
      starts
        .addStep('open', async () => 'mid')
        .addTimeout(
          'open',
          (run) => {
            if (bad && run.object.bad === true) throw new Error('no such day')
            return after('1h')
          },
          async () => 'expired',
        )
        .addTimeout('mid', after('1s'), async () => 'expired')
        .build(ports),
    'a',
    { slots: 1 },
  )
  const runId = await wf.trigger('bad', { initialValue: { bad: true } })
  const good = await wf.trigger('good', { initialValue: {} })
  await world.pass(1_500)
  expect(await wf.lookup(good)).toMatchObject({ status: 'expired' })
  expect((await wf.explain(runId)).lastError).toMatchObject({ message: 'no such day', process: 'timers of open' })
  bad = false
  await world.pass(60_000)
  expect(await wf.lookup(runId)).toMatchObject({ status: 'expired' })
})
