/** Every way into the API. */
import { unknown } from 'valibot'
import { actionRoutes } from './action-routes.ts'
import { changeRoute } from './change-route.ts'
import { openApiOf } from './open-api.ts'
import { noQuery } from './run-filter.ts'
import { route, type Route } from './route.ts'
import { runRoutes } from './run-routes.ts'
import { workflowRoutes } from './workflow-routes.ts'

let described: ReturnType<typeof openApiOf> | undefined

const description = route({
  method: 'GET',
  path: '/openapi.json',
  id: 'getDescription',
  summary: 'This description, OpenAPI 3.1',
  permission: 'view',
  mutates: false,
  query: noQuery,
  answer: unknown(),
  // Made when it is first asked for, of what never changes.
  handle: () => Promise.resolve((described ??= openApiOf(routes))),
})

export const routes: readonly Route[] = [...workflowRoutes, ...runRoutes, ...actionRoutes, changeRoute, description]
