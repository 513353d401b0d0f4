import { describe, expect, test } from 'vitest'
import {
  clockCases,
  codecCases,
  connectorCases,
  eventStreamerCases,
  outboxCases,
  realTime,
  recordStoreCases,
  roleSchedulerCases,
  timeoutStoreCases,
  virtualTime,
  type ConformanceCase,
} from '../src/conformance/index.ts'
import { codecHarness } from './codec-harness.ts'
import {
  memoryConnectorHarness,
  memoryEventStreamerHarness,
  memoryRecordStoreHarness,
  memoryRoleSchedulerHarness,
  memoryTimeoutStoreHarness,
} from './memory-harness.ts'

function register(title: string, cases: readonly ConformanceCase[]): void {
  describe(title, () => {
    for (const { name, run } of cases) test(name, run)
    test('has no two cases of one name', () => {
      expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length)
    })
  })
}

const clockOf = (time: ReturnType<typeof realTime>): Parameters<typeof clockCases>[0] => ({
  capabilities: {},
  start: async () => ({ time, [Symbol.asyncDispose]: () => Promise.resolve() }),
})

register('the record store in memory', recordStoreCases(memoryRecordStoreHarness()))
register('the outbox in memory', outboxCases(memoryRecordStoreHarness()))
register('the timeout store in memory', timeoutStoreCases(memoryTimeoutStoreHarness()))
register('the event streamer in memory', eventStreamerCases(memoryEventStreamerHarness()))
register('the role scheduler in memory', roleSchedulerCases(memoryRoleSchedulerHarness()))
register('the connector in memory', connectorCases(memoryConnectorHarness()))
register('a codec that encrypts', codecCases(codecHarness()))
register('the virtual clock', clockCases(clockOf(virtualTime())))
register("the system's clock", clockCases(clockOf(realTime())))
