/** Run events as records of Kafka: the value says everything, the headers repeat what tools and other programs like to see. */
import { assertEvent, type RunEvent } from '@workflow/core/adapter'
import type { Buffer } from 'node:buffer'
import type { KafkaRecord, NewRecord, Partition } from './driver.ts'

/** An event as it goes into one topic. The key is the run id. */
export function recordOf(event: RunEvent, value: string, { topic, partition }: Partition): NewRecord {
  const { runId, version, traceparent } = event
  return {
    topic,
    partition,
    key: runId,
    value,
    headers: {
      'workflow-run-id': runId,
      'workflow-version': String(version),
      'workflow-schema': String(event.v),
      ...(traceparent === undefined ? {} : { traceparent }),
    },
  }
}

/** The JSON form of an event. */
export function valueOf(event: RunEvent): string {
  return JSON.stringify(event)
}

/** The event of a record, or why it is none. */
export function eventOf({ value }: Pick<KafkaRecord, 'value'>): RunEvent | Error {
  if (value === null) return new Error('it has no value')
  try {
    const event = parsed(value)
    assertEvent(event, () => 'a record of Kafka')
    return event
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function parsed(value: Buffer): RunEvent {
  // What is not of this form is refused by `assertEvent`. Nobody else has it, so it needs no copy.
  const event = JSON.parse(value.toString('utf8')) as RunEvent
  return Object.assign(event, { at: new Date(event.at) })
}
