import type { StandardSchemaV1 } from '@standard-schema/spec'
import { ValidationError } from './errors.ts'

/** A Standard Schema: zod, valibot, arktype and others make them, or `unchecked<T>()`. */
export type Schema<In = unknown, Out = In> = StandardSchemaV1<In, Out>

// Registered, so that a schema made by another copy of this package is recognised.
const uncheckedVendor = '@workflow/core/unchecked'

const acceptAll: Schema<never> = Object.freeze({
  '~standard': Object.freeze({ version: 1 as const, vendor: uncheckedVendor, validate: (value: unknown) => ({ value: value as never }) }),
})

/** A type that nothing checks at run time: every value passes as it is. For data that cannot come from outside. */
export function unchecked<T>(): Schema<T> {
  // The cast is what the caller asked for: a type on trust.
  return acceptAll as unknown as Schema<T>
}

/** Whether a schema is `unchecked<T>()`, so that nothing brings a Date back when a stored value is loaded. */
export function isUnchecked(schema: Schema): boolean {
  return schema['~standard'].vendor === uncheckedVendor
}

/** Whether a value can be asked as a Standard Schema. */
export function isSchema(value: unknown): value is Schema {
  // Objects, and functions too: an arktype schema is one.
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const standard = (value as { readonly '~standard'?: { readonly validate?: unknown } })['~standard']
  return typeof standard === 'object' && standard !== null && typeof standard.validate === 'function'
}

/**
 * What a schema makes of a value: a promise only if the schema answers with one. Throws `ValidationError` whose message
 * lists every issue with its path and whose `details.issues` holds them; an error thrown by the schema itself becomes
 * its `cause`. `what` names the value, e.g. `the payload for 'approval'`.
 */
export function validated<Out>(schema: Schema<unknown, Out>, value: unknown, what: () => string): Out | Promise<Out> {
  let result: StandardSchemaV1.Result<Out> | Promise<StandardSchemaV1.Result<Out>>
  try {
    result = schema['~standard'].validate(value)
  } catch (error) {
    throw schemaThrew(error, what)
  }
  if (result instanceof Promise) {
    return result.then(
      (settled) => outputOf(settled, what),
      (error: unknown) => {
        throw schemaThrew(error, what)
      },
    )
  }
  return outputOf(result, what)
}

function outputOf<Out>(result: StandardSchemaV1.Result<Out>, what: () => string): Out {
  if (result.issues === undefined) return result.value
  const issues = result.issues.map((issue) => ({ message: issue.message, path: pathOf(issue) }))
  const text = issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
  throw new ValidationError(`${what()} does not fit its schema: ${text}`, { details: { issues } })
}

function schemaThrew(error: unknown, what: () => string): ValidationError {
  return new ValidationError(`the schema of ${what()} threw instead of answering`, { cause: error })
}

/** `parcels[0].id` */
function pathOf(issue: StandardSchemaV1.Issue): string {
  let path = ''
  for (const part of issue.path ?? []) {
    const key = typeof part === 'object' ? part.key : part
    path += typeof key === 'number' ? `[${key}]` : `${path === '' ? '' : '.'}${String(key)}`
  }
  return path
}
