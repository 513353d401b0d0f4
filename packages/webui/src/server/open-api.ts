/** The OpenAPI description, made of the routes and the schemas that they are checked by. */
import { toJsonSchema } from '@valibot/to-json-schema'
import type { GenericSchema } from 'valibot'
import { errorJson } from '../api/error-json.ts'
import { mutationHeader } from './guard.ts'
import type { Route } from './route.ts'

type Json = { readonly [key: string]: unknown }

/** OpenAPI 3.1, without a server's address: paths are relative to where the server is mounted. */
export function openApiOf(routes: readonly Route[]): Json {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const one of routes) {
    const methods = (paths[`/api/v1${one.path}`] ??= {})
    methods[one.method.toLowerCase()] = operationOf(one)
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Workflow', version: '1', description: 'See, search and steer runs. Within a version fields are only added.' },
    paths,
    components: { schemas: { Error: schemaOf(errorJson, 'output') } },
  }
}

function operationOf({ id, summary, permission, path, query, mutates, body, answer }: Route): Json {
  return {
    operationId: id,
    summary,
    description: `Needs the permission '${permission}'.`,
    parameters: [...pathParameters(path), ...queryParameters(query), ...(mutates ? [headerParameter] : [])],
    ...(body === undefined
      ? undefined
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
    responses: {
      '200': {
        description: 'The answer',
        content:
          answer === undefined
            ? { 'text/event-stream': { schema: { type: 'string' } } }
            : { 'application/json': { schema: schemaOf(answer, 'output') } },
      },
      ...(mutates || answer === undefined ? undefined : { '304': { description: 'The answer is the one of the ETag in If-None-Match' } }),
      default: { description: 'What went wrong', content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
    },
  }
}

const headerParameter: Json = {
  name: mutationHeader,
  in: 'header',
  required: true,
  description: 'Any value: pages of other sites cannot send it',
  schema: { type: 'string' },
}

function pathParameters(path: string): readonly Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))
}

/** Lists are repeated, and metadata is `metadata.{key}` for each pair. */
function queryParameters(query: GenericSchema): readonly Json[] {
  // The cast holds because every query's schema is a strict object.
  const { properties = {}, required = [] } = schemaOf(query, 'input') as {
    readonly properties?: Readonly<Record<string, Json>>
    readonly required?: readonly string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
    ...(schema['type'] === 'array' ? { style: 'form', explode: true } : undefined),
    ...(name === 'metadata' ? { description: 'Each pair is a parameter of its own: metadata.{key}={value}' } : undefined),
  }))
}

function schemaOf(schema: GenericSchema, typeMode: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = toJsonSchema(schema, { target: 'draft-2020-12', typeMode })
  return rest
}
