/** A letter that is written, checked by somebody, and sent, in a process with OpenTelemetry's SDK. */
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchSpanProcessor, type Sampler, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
import { after, type Contract, type Schema, unchecked, workflow, type WorkerInfrastructure, type Workflow } from '@workflow/core'

const graph = {
  written: { step: ['checked'] },
  checked: { callback: ['sent'], timeout: ['lost'] },
  sent: {},
  lost: {},
} as const

type Letters = Contract<'letters', Schema<{ text: string }>, typeof graph>
export const letters: Letters = workflow('letters', { object: unchecked<{ text: string }>(), graph })

/** The workflow with its handlers, and a hook that tells `sent`; the first handler makes a span of its own, as an instrumented client library would. */
export function lettersOn(infrastructure: WorkerInfrastructure, sent: () => void = () => undefined): Workflow<Letters> {
  return letters
    .addStep('written', async (run) => {
      trace.getTracer('of the user').startSpan('spell check').end()
      run.object.text += '!'
      return 'checked'
    })
    .addCallback('checked', async () => 'sent')
    .addTimeout('checked', after('72h'), async () => 'lost')
    .onComplete(async () => sent())
    .build({ ...infrastructure, timeoutStore: infrastructure.recordStore.timers })
}

/** Registers the SDK in this process. */
export function registerSdk(exporter: SpanExporter, sampler?: Sampler): TracerProvider {
  const provider = new TracerProvider({
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: 50 })],
    ...(sampler === undefined ? undefined : { sampler }),
  })
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  return provider
}

/** Registers the SDK in this process, and sends what it records to a collector. */
export function registerOtlp(url: string): TracerProvider {
  return registerSdk(new OTLPTraceExporter({ url }))
}

/** Does something inside a span of the user's own code. */
export function inRequest<T>(name: string, work: () => Promise<T>): Promise<T> {
  return trace.getTracer('of the user').startActiveSpan(name, async (span) => {
    try {
      return await work()
    } finally {
      span.end()
    }
  })
}
