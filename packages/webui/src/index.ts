/** See, search and steer runs over HTTP: one request handler, and a server for it. */
export { webui, type WebUi } from './server/web-ui.ts'
export type {
  Actor,
  Redact,
  Redactable,
  RedactedRun,
  ShownError,
  WebUiLimits,
  WebUiOptions,
} from './server/settings.ts'
export type { Permission } from './api/workflow-json.ts'
export { type NodeListener, toNodeListener } from './node/node-listener.ts'
export { type ServedWebUi, serveWebUi, type ServeWebUiOptions } from './node/serve-web-ui.ts'
