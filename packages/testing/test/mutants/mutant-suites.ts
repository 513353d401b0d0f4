/** Every suite with the adapters that it must catch. */
import {
  clockCases,
  codecCases,
  connectorCases,
  eventStreamerCases,
  outboxCases,
  recordStoreCases,
  roleSchedulerCases,
  timeoutStoreCases,
  type ConformanceCase,
} from '../../src/conformance/index.ts'
import { codecHarness } from '../codec-harness.ts'
import {
  memoryConnectorHarness,
  memoryEventStreamerHarness,
  memoryRecordStoreHarness,
  memoryRoleSchedulerHarness,
  memoryTimeoutStoreHarness,
} from '../memory-harness.ts'
import { changedClockHarness, clockMutants, codecMutants } from './codec-and-clock.ts'
import { connectorMutants } from './connector.ts'
import { acksMutants } from './event-streamer-acks.ts'
import { deliveryMutants } from './event-streamer-delivery.ts'
import { positionsMutants } from './event-streamer-positions.ts'
import { receiversMutants } from './event-streamer-receivers.ts'
import type { Mutant } from './mutant.ts'
import { outboxMutants } from './outbox.ts'
import { endingMutants } from './record-store-ending.ts'
import { partsMutants } from './record-store-parts.ts'
import { readingMutants } from './record-store-reading.ts'
import { replayMutants } from './record-store-replay.ts'
import { writingMutants } from './record-store-writing.ts'
import { roleSchedulerMutants } from './role-scheduler.ts'
import { timeoutStoreMutants } from './timeout-store.ts'

export interface MutantSuite {
  readonly title: string
  /** The cases of an adapter that is not broken. */
  readonly cases: readonly ConformanceCase[]
  readonly mutants: readonly Mutant<unknown>[]
  /** The same cases, of a broken one. */
  readonly casesOf: (mutant: Mutant<unknown>) => readonly ConformanceCase[]
}

function suite<Change>(
  title: string,
  casesWith: (change: Change | undefined) => readonly ConformanceCase[],
  mutants: readonly Mutant<Change>[],
): MutantSuite {
  return { title, cases: casesWith(undefined), mutants, casesOf: ({ change }) => casesWith(change as Change) } // Holds: it is given one of `mutants`.
}

export const mutantSuites: readonly MutantSuite[] = [
  suite('record store', (change) => recordStoreCases(memoryRecordStoreHarness(change)), [
    ...writingMutants,
    ...replayMutants,
    ...partsMutants,
    ...readingMutants,
    ...endingMutants,
  ]),
  suite('timeout store', (change) => timeoutStoreCases(memoryTimeoutStoreHarness(change)), timeoutStoreMutants),
  suite('event streamer', (change) => eventStreamerCases(memoryEventStreamerHarness(change)), [
    ...positionsMutants,
    ...deliveryMutants,
    ...acksMutants,
    ...receiversMutants,
  ]),
  suite('outbox', (change) => outboxCases(memoryRecordStoreHarness(change)), outboxMutants),
  suite('role scheduler', (change) => roleSchedulerCases(memoryRoleSchedulerHarness(change)), roleSchedulerMutants),
  suite('connector', (change) => connectorCases(memoryConnectorHarness(change)), connectorMutants),
  suite('codec', (change) => codecCases(codecHarness(change)), codecMutants),
  suite('clock', (change) => clockCases(changedClockHarness(change)), clockMutants),
]
