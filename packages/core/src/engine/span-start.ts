import type { RunRecord } from '../model/run-record.ts'
import type { SpanKind, SpanStart } from '../ports/instrumentation.ts'
import type { Process } from './process.ts'

/** An attempt at something of a run, about to be traced. */
export function spanOfRun(record: RunRecord, process: Process, kind: SpanKind, attempt: number): SpanStart {
  const { workflowName: workflow, runId, foreignId, version, createdAt, traceparent } = record
  const attributes = { workflow, process: process.name, runId, foreignId, version, attempt }
  return isTraceparent(traceparent)
    ? { kind, name: process.name, attributes, since: createdAt, traceparent }
    : { kind, name: process.name, attributes, since: createdAt }
}

/** A run that is about to be started. `process`: the client that was asked for it, or the poller whose schedule is due. */
export function spanOfTrigger(
  workflow: string,
  process: 'trigger' | 'timers',
  runId: string,
  foreignId: string,
  traceparent: unknown,
): SpanStart {
  const start = { kind: 'trigger', name: process, attributes: { workflow, process, runId, foreignId } } as const
  return isTraceparent(traceparent) ? { ...start, traceparent } : start
}

/** What logs call a trace; undefined where nobody traces. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return traceparent?.split('-', 2)[1]
}

/**
 * Whether a text is a trace context as W3C writes it, by whose rules ids of zeros and the version ff are none. A span that
 * belongs to anything else may be refused by whoever collects it, together with all that were sent along.
 */
export function isTraceparent(text: unknown): text is string {
  if (typeof text !== 'string' || text.length > 255) return false
  if (text.startsWith('00')) return text.length === versionedLength && isVersioned(text)
  return /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[!-~]*)?$/.test(text)
}

/** Of version 00; later ones may go on. */
const versionedLength = 55
const dash = 45
const zero = 48

/** By hand, because each attempt of each traced run is asked. */
function isVersioned(text: string): boolean {
  return (
    text.charCodeAt(2) === dash &&
    isId(text, 3, 35) &&
    text.charCodeAt(35) === dash &&
    isId(text, 36, 52) &&
    text.charCodeAt(52) === dash &&
    isHex(text.charCodeAt(53)) &&
    isHex(text.charCodeAt(54))
  )
}

function isId(text: string, from: number, to: number): boolean {
  let some = false
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    if (!isHex(code)) return false
    if (code !== zero) some = true
  }
  return some
}

/** Digits and small letters only. */
function isHex(code: number): boolean {
  return (code >= zero && code <= 57) || (code >= 97 && code <= 102)
}

/** The trace context that the headers of a foreign event carry. Their names have any case, as with HTTP. */
export function traceparentIn(headers: Readonly<Record<string, string>>): string | undefined {
  const name = 'traceparent' in headers ? 'traceparent' : Object.keys(headers).find((each) => each.toLowerCase() === 'traceparent')
  const given = name === undefined ? undefined : headers[name]
  return isTraceparent(given) ? given : undefined
}
