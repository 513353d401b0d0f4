import { isWorkflowError } from '@workflow/core'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { type PrometheusOptions, settingsOf } from './settings.ts'

const registry = new Registry()

describe('the options of prometheus', () => {
  it('have production defaults', () => {
    expect(settingsOf({ registry })).toMatchObject({ prefix: '', asking: { queries: true, keepMs: 5_000, timeoutMs: 2_000 } })
    const { buckets, callBuckets } = settingsOf({ registry })
    // Those of the reference are among them, so that its dashboards go on working.
    expect([0.01, 0.1, 1, 5, 10, 60, 300].every((bound) => buckets.includes(bound))).toBe(true)
    expect(callBuckets[0]).toBe(0.0005)
  })

  it('may be left undefined', () => {
    const options = { registry, prefix: undefined, buckets: undefined, cache: undefined, timeout: undefined, queries: undefined }
    expect(settingsOf(options as unknown as PrometheusOptions)).toMatchObject({ prefix: '', asking: { keepMs: 5_000 } })
  })

  it.each<[string, object | null, RegExp]>([
    ['nothing at all', null, /takes an object/],
    ['no registry', {}, /needs a registry/],
    ['a registry that is none', { registry: {} }, /needs a registry/],
    ['an option that it does not know', { registry, bucket: [1] }, /no option "bucket".*buckets/],
    ['a prefix with a dash', { registry, prefix: 'my-app' }, /letters, digits and '_'/],
    ['a prefix that begins with a digit', { registry, prefix: '1_' }, /letters, digits/],
    ['no buckets', { registry, buckets: [] }, /the buckets of prometheus/],
    ['buckets that do not ascend', { registry, buckets: [1, 1] }, /ascending/],
    ['buckets that are no numbers', { registry, callBuckets: [0.1, Number.NaN] }, /the callBuckets of prometheus/],
    ['the last bucket, which is there anyway', { registry, buckets: [1, Infinity] }, /ascending/],
    ['a bucket of nothing', { registry, buckets: [0, 1] }, /above 0/],
    ['a hundred and one buckets', { registry, buckets: Array.from({ length: 101 }, (_, i) => i + 1) }, /1 to 100/],
    ['a cache that is no duration', { registry, cache: 'soon' }, /cache of prometheus/],
    ['a timeout of nothing', { registry, timeout: '0s' }, /longer than nothing/],
    ['queries that are neither', { registry, queries: 'no' }, /true or false/],
  ])('refuse %s', (_, options, says) => {
    let thrown: unknown
    try {
      settingsOf(options as never)
    } catch (error) {
      thrown = error
    }
    expect(isWorkflowError(thrown, 'Configuration')).toBe(true)
    expect((thrown as Error).message).toMatch(says)
  })
})
