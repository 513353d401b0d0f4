/** W3C Trace Context, version 00: `00-<trace id>-<span id>-<flags>`. The engine has checked the form of what comes in. */
import { INVALID_TRACEID, type SpanContext } from '@opentelemetry/api'

/** Where the span that is meant was made, mostly, is another process. */
export function spanContextOf(traceparent: string): SpanContext {
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    traceFlags: Number.parseInt(traceparent.slice(53, 55), 16),
    isRemote: true,
  }
}

/** Whether somebody has decided not to record what belongs to a context: the lowest bit of its flags says. */
export function isUnsampled(traceparent: string): boolean {
  return (Number.parseInt(traceparent.charAt(54), 16) & 1) === 0
}

/** Undefined for what nobody traces. */
export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string | undefined {
  if (traceId === INVALID_TRACEID) return undefined
  // Of the flags only the two are known: sampled, and that the trace id is random.
  return `00-${traceId}-${spanId}-0${traceFlags & 3}`
}
