import { expect, test } from 'vitest'
import type { RunHistoryEntry } from '../run-history.ts'
import { activityOf, lifecycleOf } from './activity.ts'

test.each<readonly [string, string, Partial<RunHistoryEntry>]>([
  ['trigger', 'complete', { by: 'trigger', to: 'a', states: ['Initiated'] }],
  ['step a', 'complete', { by: 'step', from: 'a', to: 'b', states: ['Initiated', 'Running'] }],
  ['callback a', 'complete', { by: 'callback', from: 'a', to: 'a', states: ['Running'] }],
  ['timeout a', 'complete', { by: 'timeout', from: 'a', to: 'b', states: ['Completed'] }],
  ['join a', 'complete', { by: 'join', from: 'a', to: 'b', states: ['Running'] }],
  ['step a', 'suspend', { by: 'step', from: 'a', to: 'a', states: ['Running', 'Paused'] }],
  ['step a', 'pi_abort', { by: 'step', from: 'a', to: 'a', states: ['Running', 'Cancelled'] }],
  ['pause', 'suspend', { by: 'engine', from: 'a', to: 'a', states: ['Running', 'Paused'] }],
  ['pause', 'suspend', { by: 'person', from: 'a', to: 'a', states: ['Paused'] }],
  ['resume', 'resume', { by: 'person', from: 'a', to: 'a', states: ['Paused', 'Running'] }],
  ['move', 'complete', { by: 'person', from: 'a', to: 'b', states: ['Paused', 'Running'] }],
  ['move', 'complete', { by: 'person', from: 'a', to: 'a', states: ['Running'] }],
  ['cancel', 'pi_abort', { by: 'person', from: 'a', to: 'a', states: ['Paused', 'Cancelled'] }],
  ['request data deletion', 'complete', { by: 'person', from: 'b', to: 'b', states: ['Completed', 'RequestedDataDeleted'] }],
  ['delete data', 'complete', { by: 'engine', from: 'b', to: 'b', states: ['RequestedDataDeleted', 'DataDeleted'] }],
])('%s, %s: %j', (activity, lifecycle, entry) => {
  // The cast holds because a name depends on nothing else.
  const given = entry as RunHistoryEntry
  expect([activityOf(given), lifecycleOf(given)]).toEqual([activity, lifecycle])
})
