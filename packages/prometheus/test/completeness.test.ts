import type { Attributes, Instrumentation } from '@workflow/core'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { prometheus } from '../src/index.ts'
import { askedMetrics, counterMetrics, gaugeMetrics, histogramMetrics, missingAnswers } from '@workflow/core/adapter'
import { parseExposition } from './exposition.ts'
import { liveFully } from './full-life.ts'

/** Keeps the labels that each metric was given. */
function recorder(): { readonly instrumentation: Instrumentation; readonly told: Map<string, Set<Attributes>> } {
  const told = new Map<string, Set<Attributes>>()
  const record = (name: string, _value: number, labels: Attributes): void => {
    told.set(name, (told.get(name) ?? new Set()).add(labels))
  }
  return { instrumentation: { count: record, gauge: record, observe: record }, told }
}

const pushed = [...counterMetrics, ...gaugeMetrics, ...histogramMetrics]

describe('what the engine tells', () => {
  it('is in the list of metrics with exactly these labels, and all that is in the list is told', async () => {
    const { instrumentation, told } = recorder()
    const registry = new Registry()
    let text = ''
    await liveFully([instrumentation, prometheus({ registry })], async () => {
      text = await registry.metrics()
    })
    expect([...told.keys()].sort()).toEqual(pushed.map(({ name }) => name).sort())
    for (const { name, labels } of pushed)
      for (const given of told.get(name) ?? []) expect([name, ...Object.keys(given).sort()]).toEqual([name, ...[...labels].sort()])
    const exposed = parseExposition(text)
    for (const { name, labels } of [...pushed, ...askedMetrics, missingAnswers])
      for (const sample of exposed.get(name)?.samples ?? [])
        expect(
          Object.keys(sample.labels)
            .filter((label) => label !== 'le')
            .sort(),
        ).toEqual([...labels].sort())
    for (const { name } of [...pushed, ...askedMetrics]) expect(exposed.get(name)?.samples.length, name).toBeGreaterThan(0)
    // What is not frozen costs the adapter a look-up by text at every event.
    const loose = [...told].flatMap(([name, given]) => ([...given].every((labels) => Object.isFrozen(labels)) ? [] : [name]))
    expect(loose).toEqual([])
  })
})
