import { expect, test } from 'vitest'
import { ManualClock } from '../../test/manual-clock.ts'
import { engineContext } from '../engine-setup.ts'
import { DefinitionBuilder } from '../definition-builder.ts'
import { unchecked, workflow } from '../index.ts'
import { memory } from '../memory/index.ts'
import type { Instrumentation } from '../ports/instrumentation.ts'
import type { RecordStore } from '../ports/record-store.ts'
import { resolveClientInfrastructure } from '../resolved-infrastructure.ts'
import { Timing, untimed } from './timed-ports.ts'

const orders = workflow('orders', { object: unchecked<unknown>(), graph: { created: { step: ['done'] }, done: {} } })
const { contract } = DefinitionBuilder.modelOf(orders)

function meter(): { readonly instrumentation: Instrumentation; readonly seconds: (readonly [string, number])[] } {
  const seconds: (readonly [string, number])[] = []
  const instrumentation = {
    count: () => undefined,
    gauge: () => undefined,
    observe: (name: string, value: number, labels: { readonly [label: string]: unknown }) => {
      seconds.push([`${name} ${String(labels['operation'])}`, value])
    },
  }
  return { instrumentation, seconds }
}

test('who measures nothing works on the ports themselves, and who measures on the same store by another name', () => {
  const ports = memory()
  const bare = engineContext(contract, resolveClientInfrastructure('orders', ports))
  expect([bare.store, bare.streamer]).toEqual([ports.recordStore, ports.eventStreamer])
  expect(bare.store).toBe(ports.recordStore)
  const { instrumentation } = meter()
  const timed = engineContext(contract, resolveClientInfrastructure('orders', { ...ports, instrumentation }))
  expect(timed.store).not.toBe(ports.recordStore)
  expect(untimed(timed.store)).toBe(ports.recordStore)
  expect(untimed(bare.store)).toBe(ports.recordStore)
})

test('every member of the ports is there, those that are optional only where they were', () => {
  const { recordStore, eventStreamer } = memory()
  const timing = new Timing(meter().instrumentation, new ManualClock(), 'orders')
  const store = timing.store(recordStore)
  const streamer = timing.streamer(eventStreamer)
  const missing = (wrapped: object, original: object): readonly string[] =>
    Object.keys(original).filter(
      (key) => typeof (wrapped as Record<string, unknown>)[key] !== typeof (original as Record<string, unknown>)[key],
    )
  expect([missing(store, recordStore), missing(streamer, eventStreamer), missing(store.timers, recordStore.timers)]).toEqual([[], [], []])
  expect([streamer.source, store.capabilities, store.outbox]).toEqual([eventStreamer.source, recordStore.capabilities, recordStore.outbox])
  const { transaction: _none, ...rest } = recordStore
  expect(timing.store(rest as RecordStore).transaction).toBeUndefined()
})

test('of calls that are under way at once sixteen are measured, and whatever becomes of them is', async () => {
  const { instrumentation, seconds } = meter()
  const clock = new ManualClock()
  const answers: PromiseWithResolvers<undefined>[] = []
  const { recordStore } = memory()
  const store = new Timing(instrumentation, clock, 'orders').store({
    ...recordStore,
    lookup: () => {
      const answer = Promise.withResolvers<undefined>()
      answers.push(answer)
      return answer.promise
    },
  })
  const calls = Array.from({ length: 40 }, (_, i) => store.lookup(`run ${i}`))
  await clock.advance(2_000)
  for (const [i, answer] of answers.entries()) {
    if (i === 0) answer.reject(new Error('away'))
    else answer.resolve(undefined)
  }
  await Promise.allSettled(calls)
  await clock.advance(0)
  expect(seconds).toEqual(Array.from({ length: 16 }, () => ['workflow_store_seconds lookup', 2]))
  const next = store.lookup('next')
  answers.at(-1)?.resolve(undefined)
  await next
  expect(seconds.length).toBe(17)
})
