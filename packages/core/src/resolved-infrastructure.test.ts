import { expect, test } from 'vitest'
import { DefinitionBuilder } from './definition-builder.ts'
import { isWorkflowError } from './errors.ts'
import { unchecked, workflow } from './index.ts'
import { memory } from './memory/index.ts'
import { resolveClientInfrastructure, resolveInfrastructure } from './resolved-infrastructure.ts'

const orders = workflow('orders', { object: unchecked<unknown>(), graph: { created: { step: ['done'] }, done: {} } })
const model = DefinitionBuilder.modelOf(orders)

function refusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (isWorkflowError(error, 'Configuration')) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

test('ports alone are enough, and every limit has its default', () => {
  const { outbox, ...resolved } = resolveInfrastructure(model, memory())
  expect(resolved).toMatchObject({
    slots: 16,
    maxObjectBytes: 1_048_576,
    maxForeignIdLength: 255,
    historyObjects: true,
    storeTimeoutMs: 10_000,
    awaitPollingFrequencyMs: 5_000,
    connectors: new Map(),
    defaults: {},
    autoResumeMs: 3_600_000,
    maxInFlight: 1_024,
    retryInPlaceMs: 5_000,
    sweepFrequencyMs: 60_000,
    shutdownTimeoutMs: 30_000,
    generation: 0,
  })
  expect(outbox).toMatchObject({ pollingFrequencyMs: 250, lagAlertMs: 60_000, batch: 1_000 })
  expect(outbox !== false && outbox.backOffMs(9, undefined, 0, () => 0)).toBe(500)
  expect(Object.isFrozen(resolveInfrastructure(model, memory()))).toBe(true)
})

test('what is given replaces its default alone', () => {
  const resolved = resolveInfrastructure(model, {
    ...memory(),
    autoResume: false,
    outbox: false,
    historyObjects: false,
    shutdownTimeout: '0s',
    slots: 1,
  })
  expect(resolved).toMatchObject({
    autoResumeMs: Infinity,
    outbox: false,
    historyObjects: false,
    shutdownTimeoutMs: 0,
    slots: 1,
    maxInFlight: 1_024,
  })
})

test('a worker is called as its role scheduler calls it, unless it has a name of its own', () => {
  const ports = memory({ instance: 'worker-7' })
  expect(resolveInfrastructure(model, ports).instance).toBe('worker-7')
  expect(resolveInfrastructure(model, { ...ports, instance: 'mine' }).instance).toBe('mine')
})

test('a client without a name gets a short random one', () => {
  const { recordStore, eventStreamer } = memory()
  expect(resolveClientInfrastructure('orders', { recordStore, eventStreamer, random: () => 0 }).instance).toBe('00000000')
  expect(resolveClientInfrastructure('orders', { recordStore, eventStreamer, random: () => 0.999_999_999_999 }).instance).toMatch(
    /^[0-9a-z]{8}$/,
  )
})

test('one bundle serves client and worker, with whatever methods its adapter brings along', () => {
  const bundle = { ...memory(), close: async () => undefined, migrate: () => undefined }
  expect(resolveClientInfrastructure('orders', bundle).recordStore).toBe(bundle.recordStore)
  expect(resolveInfrastructure(model, bundle).recordStore).toBe(bundle.recordStore)
})

test.each([
  ['clock', { now: () => 0 }, /clock is not one: it lacks monotonic\(\), setTimer\(\), setImmediate\(\)/],
  ['logger', console.log, /logger is not one/],
  ['codec', {}, /codec is not one: it lacks encode\(\), decode\(\)/],
  ['instrumentation', null, /instrumentation is not one/],
  ['random', 0.5, /random must be a function/],
  ['eventStreamer', {}, /eventStreamer is not one/],
  ['historyObjects', 'no', /historyObjects must be true or false/],
  ['maxObjectBytes', 0, /maxObjectBytes must be a whole number of 1 or more/],
  ['maxForeignIdLength', 256, /maxForeignIdLength must be a whole number from 1 to 255/],
  ['storeTimeout', '-1s', /storeTimeout/],
] as const)('a client with a %s that cannot work is refused', (key, value, message) => {
  const text = refusal(() => resolveClientInfrastructure('orders', { ...memory(), [key]: value }))
  expect(text).toMatch(message)
  expect(text).toContain("workflow 'orders'")
})

test('a connector needs a source that is one', () => {
  const scanning = DefinitionBuilder.modelOf(orders.addConnector('scans', unchecked<unknown>(), async () => undefined))
  const source = { connect: () => Promise.reject(new Error('not called')) }
  expect(resolveInfrastructure(scanning, { ...memory(), connectors: { scans: source } }).connectors.get('scans')).toBe(source)
  expect(refusal(() => resolveInfrastructure(scanning, { ...memory(), connectors: { scans: {} } }))).toMatch(/connectors\.scans is not one/)
  expect(refusal(() => resolveInfrastructure(scanning, { ...memory(), connectors: { scnas: source } }))).toMatch(/Did you mean 'scans'/)
})

test('there may be one instrumentation, several, or none', () => {
  const one = { count: () => undefined, gauge: () => undefined, observe: () => undefined }
  const two = { ...one }
  const given = (instrumentation: unknown) => resolveClientInfrastructure('orders', { ...memory(), instrumentation }).instrumentation
  expect(resolveClientInfrastructure('orders', memory()).instrumentation).toEqual([])
  expect(given(one)).toEqual([one])
  expect(given([two, one])).toEqual([two, one])
  expect(refusal(() => given([one, {}]))).toMatch(/instrumentation\[1\] is not one: it lacks count\(\), gauge\(\), observe\(\)/)
})
