import { VirtualClock } from '@workflow/testing'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { samplesOf, valueOf } from '../test/exposition.ts'
import { type Answers, fakeObserved } from '../test/fake-observed.ts'
import { prometheus } from './prometheus.ts'
import type { PrometheusOptions } from './settings.ts'

interface Scene {
  readonly clock: VirtualClock
  readonly registry: Registry
  readonly attach: (workflowName: string, answers?: Answers) => Disposable
  readonly warnings: object[]
}

function scene(options: Partial<PrometheusOptions> = {}): Scene {
  const clock = new VirtualClock()
  const registry = new Registry()
  const warnings: object[] = []
  const logger = { debug: () => undefined, info: () => undefined, error: () => undefined, warn: (fields: object) => warnings.push(fields) }
  const { attach } = prometheus({ registry, clock, logger, ...options })
  if (attach === undefined) throw new Error('cannot be asked')
  return { clock, registry, warnings, attach: (name, answers) => attach(fakeObserved(name, answers)) }
}

const orders = { workflow_name: 'orders' }
const never = (): Promise<never> => new Promise(() => undefined)

describe('a scrape', () => {
  it('says what a workflow is at', async () => {
    const { clock, registry, attach } = scene()
    attach('orders', {
      states: [
        { name: 'step created', state: 'running' },
        { name: 'connector mail', state: 'idle' },
      ],
      slots: { held: 5, total: 16 },
      inFlight: { events: 12, limit: 1024 },
      receivers: () =>
        Promise.resolve([
          { name: 'runs', events: 3, oldest: new Date(clock.now() - 90_000) },
          { name: 'hook', events: 0 },
          { name: 'unknown age', events: 2 },
          { name: 'from the future', events: 1, oldest: new Date(clock.now() + 90_000) },
        ]),
      runs: () =>
        Promise.resolve(
          new Map([
            ['Running', 3],
            ['Paused', 1],
          ]),
        ),
    })
    const text = await registry.metrics()
    expect(valueOf(text, 'workflow_process_states', { ...orders, process_name: 'step created' })).toBe(2)
    expect(valueOf(text, 'workflow_process_states', { ...orders, process_name: 'connector mail' })).toBe(3)
    expect(valueOf(text, 'workflow_slots', orders)).toBe(16)
    expect(valueOf(text, 'workflow_slots_held', orders)).toBe(5)
    expect(valueOf(text, 'workflow_events_in_hand', orders)).toBe(12)
    expect(valueOf(text, 'workflow_events_in_hand_limit', orders)).toBe(1024)
    const lag = (name: string): readonly (number | undefined)[] =>
      ['events', 'seconds'].map((unit) => valueOf(text, `workflow_receiver_lag_${unit}`, { ...orders, receiver_name: name }))
    expect(lag('runs')).toEqual([3, 90])
    expect(lag('hook')).toEqual([0, 0])
    expect(lag('unknown age')).toEqual([2, undefined])
    expect(lag('from the future')).toEqual([1, 0])
    expect(Object.fromEntries(samplesOf(text, 'workflow_runs').map(({ labels, value }) => [labels['run_state'], value]))).toEqual({
      Initiated: 0,
      Running: 3,
      Paused: 1,
      Completed: 0,
      Cancelled: 0,
      RequestedDataDeleted: 0,
      DataDeleted: 0,
    })
  })

  it('shows counters of failures before the first one', async () => {
    const { registry, attach } = scene()
    attach('orders', { states: [{ name: 'step created', state: 'running' }] })
    // What is put at 0 by one scrape is there at the next.
    await registry.metrics()
    const text = await registry.metrics()
    expect(valueOf(text, 'workflow_process_error_count', { ...orders, process_name: 'step created' })).toBe(0)
    expect(samplesOf(text, 'workflow_scrape_error_count').map(({ labels, value }) => [labels['question'], value])).toEqual(
      ['states', 'slots', 'in_hand', 'receivers', 'runs'].map((question) => [question, 0]),
    )
  })

  it('adds up what instances in one process do, and asks one of them for the rest', async () => {
    const { registry, attach } = scene()
    let asked = 0
    const runs = (): Promise<ReadonlyMap<string, number>> => {
      asked += 1
      return Promise.resolve(new Map([['Running', 7]]))
    }
    const instance = (state: 'idle' | 'running' | 'shutdown'): Answers => ({
      states: [{ name: 'step created', state }],
      slots: { held: 4, total: 16 },
      inFlight: { events: 1, limit: 10 },
      runs,
    })
    for (const state of ['shutdown', 'running', 'idle'] as const) attach('orders', instance(state))
    const text = await registry.metrics()
    expect(asked).toBe(1)
    expect(valueOf(text, 'workflow_process_states', orders)).toBe(2)
    expect(valueOf(text, 'workflow_slots', orders)).toBe(16)
    expect(valueOf(text, 'workflow_slots_held', orders)).toBe(12)
    expect(valueOf(text, 'workflow_events_in_hand', orders)).toBe(3)
    expect(valueOf(text, 'workflow_events_in_hand_limit', orders)).toBe(30)
    expect(valueOf(text, 'workflow_runs', { ...orders, run_state: 'Running' })).toBe(7)
  })

  it('asks store and streamer once for all metrics, and not again for a while', async () => {
    const { clock, registry, attach } = scene()
    const asked = { receivers: 0, runs: 0 }
    attach('orders', {
      receivers: async () => ((asked.receivers += 1), []),
      runs: async () => ((asked.runs += 1), new Map()),
    })
    await Promise.all([registry.metrics(), registry.metrics(), registry.getMetricsAsJSON()])
    await clock.advance(4_999)
    await registry.metrics()
    expect(asked).toEqual({ receivers: 1, runs: 1 })
    await clock.advance(1)
    await registry.metrics()
    expect(asked).toEqual({ receivers: 2, runs: 2 })
  })

  it('asks neither where it is told to leave that to others', async () => {
    const { registry, attach } = scene({ queries: false })
    attach('orders', { receivers: () => Promise.reject(new Error('was asked')), runs: () => Promise.reject(new Error('was asked')) })
    const text = await registry.metrics()
    expect(samplesOf(text, 'workflow_runs')).toEqual([])
    expect(valueOf(text, 'workflow_slots', orders)).toBe(16)
    expect(samplesOf(text, 'workflow_scrape_error_count').map(({ labels }) => labels['question'])).toEqual(['states', 'slots', 'in_hand'])
  })

  it('asks the instance that may be asked', async () => {
    const { clock, registry, attach } = scene()
    attach('orders', { runs: () => Promise.resolve(new Map([['Running', 7]])) })
    const others = prometheus({ registry, clock, queries: false }).attach
    others?.(fakeObserved('orders', { runs: () => Promise.reject(new Error('was asked')) }))
    expect(valueOf(await registry.metrics(), 'workflow_runs', { ...orders, run_state: 'Running' })).toBe(7)
  })

  it('leaves out and counts what cannot be answered, and shows the rest', async () => {
    const { registry, warnings, attach } = scene()
    const down = new Error('the store is down')
    const thrower = (): never => {
      throw down
    }
    attach('orders', { runs: thrower, slots: { held: 1, total: 16 } })
    attach('letters', {
      get states(): never {
        return thrower()
      },
      get inFlight(): never {
        return thrower()
      },
      get slots(): never {
        return thrower()
      },
      receivers: () => Promise.reject(down),
    })
    const text = await registry.metrics()
    expect(samplesOf(text, 'workflow_runs').map(({ labels }) => labels['workflow_name'])).not.toContain('orders')
    expect(valueOf(text, 'workflow_slots_held')).toBe(1)
    const missing = samplesOf(text, 'workflow_scrape_error_count').filter(({ value }) => value > 0)
    expect(missing.map(({ labels, value }) => `${labels['workflow_name']} ${labels['question']} ${value}`).sort()).toEqual([
      'letters in_hand 1',
      'letters receivers 1',
      'letters slots 1',
      'letters states 1',
      'orders runs 1',
    ])
    expect(warnings).toContainEqual({ workflow: 'orders', question: 'runs', error: down })
  })

  it('waits no longer than its timeout, however many workflows hang', async () => {
    const { clock, registry, attach } = scene()
    for (let i = 0; i < 20; i++) attach(`hanging ${i}`, { receivers: never })
    attach('orders', { receivers: never, runs: () => Promise.resolve(new Map([['Running', 7]])) })
    const first = registry.metrics()
    await clock.advance(2_000)
    const text = await first
    expect(samplesOf(text, 'workflow_slots')).toHaveLength(21)
    expect(samplesOf(text, 'workflow_runs')).toEqual([])
    const missing = samplesOf(text, 'workflow_scrape_error_count').filter(({ labels }) => labels['question'] === 'receivers')
    expect(missing.every(({ value }) => value === 1)).toBe(true)
    // What hangs is passed over sooner or later, and no longer keeps the others from answering.
    for (let scrape = 0; scrape < 12; scrape++) {
      const next = registry.metrics()
      await clock.advance(2_000)
      await next
    }
    expect(valueOf(await registry.metrics(), 'workflow_runs', { ...orders, run_state: 'Running' })).toBe(7)
    expect(clock.pending()).toEqual([])
  })

  it('asks two workflows at a time', async () => {
    const { registry, attach } = scene()
    const open: (() => void)[] = []
    let most = 0
    let current = 0
    for (let i = 0; i < 6; i++) {
      const runs = async (): Promise<ReadonlyMap<string, number>> => {
        current += 1
        most = Math.max(most, current)
        await new Promise<void>((resolve) => open.push(resolve))
        current -= 1
        return new Map()
      }
      attach(`workflow ${i}`, { runs })
    }
    const done = registry.metrics()
    let over = false
    void done.then(() => (over = true))
    while (!over) {
      open.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(samplesOf(await done, 'workflow_runs')).toHaveLength(6 * 7)
    expect(most).toBe(2)
  })

  it('writes each series once, whatever a workflow answers', async () => {
    const { registry, attach } = scene()
    attach('orders', {
      states: [
        { name: 'a', state: 'idle' },
        { name: 'a', state: 'running' },
      ],
      slots: { held: Number.NaN, total: 16 },
      receivers: () =>
        Promise.resolve([
          { name: 'r', events: 1 },
          { name: 'r', events: 2 },
        ]),
      runs: () => Promise.resolve(new Map([['a state of tomorrow', 1]])),
    })
    const text = await registry.metrics()
    expect(valueOf(text, 'workflow_process_states', { process_name: 'a' })).toBe(2)
    expect(valueOf(text, 'workflow_slots_held')).toBeUndefined()
    expect(samplesOf(text, 'workflow_receiver_lag_events')).toHaveLength(1)
    expect(text).not.toContain('tomorrow')
  })

  it('says nothing of a workflow that has stopped meanwhile', async () => {
    const { registry, attach } = scene()
    const answer = Promise.withResolvers<ReadonlyMap<string, number>>()
    const attached = attach('orders', { states: [{ name: 'a', state: 'running' }], runs: () => answer.promise })
    const scraped = registry.metrics()
    attached[Symbol.dispose]()
    answer.resolve(new Map())
    expect(samplesOf(await scraped, 'workflow_slots')).toEqual([])
    expect(await registry.metrics()).not.toContain('orders')
  })

  it('goes on with the instance that is left', async () => {
    const { registry, attach } = scene()
    attach('orders', { slots: { held: 1, total: 16 } })
    const newer = attach('orders', { slots: { held: 2, total: 16 } })
    newer[Symbol.dispose]()
    expect(valueOf(await registry.metrics(), 'workflow_slots_held', orders)).toBe(1)
  })
})
