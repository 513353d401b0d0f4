import { bindCases, type ConformanceCase } from '../conformance-case.ts'
import type { EventStreamerHarness } from '../harness.ts'
import { eventStreamerDefinitions } from './event-streamer-definitions.ts'
import { newEventStreamerScope } from './event-streamer-scope.ts'

/**
 * What every EventStreamer must hold, as cases for any test runner, once for each way in which the streamer is fed.
 * Those for capabilities that the harness lacks are left out.
 */
export function eventStreamerCases(harness: EventStreamerHarness): readonly ConformanceCase[] {
  return harness.capabilities.feeds.flatMap((feed) => {
    const fitting = eventStreamerDefinitions.filter(({ feeds }) => feeds === undefined || feeds.includes(feed))
    const cases = bindCases(fitting, harness, (backend, capabilities) => newEventStreamerScope(backend, capabilities, feed))
    return cases.map((bound) => ({ ...bound, name: `${bound.name} (fed by the ${feed})` }))
  })
}
