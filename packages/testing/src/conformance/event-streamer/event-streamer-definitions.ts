import type { EventStreamerCase } from './event-streamer-scope.ts'

/** Every case about an EventStreamer. */
export const eventStreamerDefinitions: readonly EventStreamerCase[] = []
