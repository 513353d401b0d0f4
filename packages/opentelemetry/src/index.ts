export { opentelemetry } from './opentelemetry.ts'
export type { OpenTelemetryOptions } from './options.ts'
