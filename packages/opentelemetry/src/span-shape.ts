/**
 * How spans are called and what they say of themselves, by OpenTelemetry's semantic conventions where there are any: those
 * of messaging for what sends and takes events, `error.type` for what failed.
 */
import { type Attributes, SpanKind, type SpanOptions } from '@opentelemetry/api'
import type { SpanStart } from '@workflow/core'

/** What a span has before anything is known of its run. A sampler sees this. */
export interface SpanShape {
  readonly name: string
  readonly options: SpanOptions
}

const kinds: { readonly [Kind in SpanStart['kind']]: SpanKind } = {
  trigger: SpanKind.PRODUCER,
  publish: SpanKind.PRODUCER,
  step: SpanKind.CONSUMER,
  callback: SpanKind.CONSUMER,
  join: SpanKind.CONSUMER,
  hook: SpanKind.CONSUMER,
  connector: SpanKind.CONSUMER,
  timeout: SpanKind.INTERNAL,
}

/** By workflow, then by process: as many as the definition has. */
const shapes = new Map<string, Map<string, SpanShape>>()

export function spanShapeOf(start: SpanStart): SpanShape {
  const workflow = String(start.attributes['workflow'])
  let ofWorkflow = shapes.get(workflow)
  if (ofWorkflow === undefined) shapes.set(workflow, (ofWorkflow = new Map()))
  const key = start.kind === 'trigger' ? `trigger by ${start.name}` : start.name
  let shape = ofWorkflow.get(key)
  if (shape === undefined) ofWorkflow.set(key, (shape = made(workflow, start)))
  return shape
}

function made(workflow: string, { kind, name }: SpanStart): SpanShape {
  const attributes: Attributes = { 'workflow.name': workflow, 'workflow.process': name }
  if (kind === 'publish') Object.assign(attributes, messaging(workflow, 'send', 'publish'))
  if (kind === 'connector') Object.assign(attributes, messaging(name.replace('connector ', ''), 'process', 'process'))
  return Object.freeze({
    // An operation and what it is about, like the conventions have it.
    name: kind === 'publish' || kind === 'trigger' ? `${kind} ${workflow}` : `${name} ${workflow}`,
    options: Object.freeze({ kind: kinds[kind], attributes: Object.freeze(attributes) }),
  })
}

function messaging(destination: string, type: 'send' | 'process', operation: string): Attributes {
  return {
    'messaging.system': 'workflow',
    'messaging.destination.name': destination,
    'messaging.operation.type': type,
    'messaging.operation.name': operation,
  }
}

const names: Readonly<Record<string, string>> = {
  runId: 'workflow.run.id',
  foreignId: 'workflow.run.foreign_id',
  version: 'workflow.run.version',
  attempt: 'workflow.attempt',
  eventId: 'messaging.message.id',
  events: 'messaging.batch.message_count',
}

/** What only a span that is recorded needs. */
export function detailsOf(given: SpanStart['attributes'], foreignIds: boolean): Attributes {
  const attributes: Attributes = {}
  for (const key in given) {
    const name = names[key]
    if (name !== undefined && (foreignIds || key !== 'foreignId')) attributes[name] = given[key]
  }
  return attributes
}
