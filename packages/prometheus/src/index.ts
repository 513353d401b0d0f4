/** Workflow's metrics, in a registry of prom-client that is yours. */
export { prometheus } from './prometheus.ts'
export type { MetricRegistry, PrometheusOptions } from './settings.ts'
