/**
 * What a log, or a trace, may show of an error: its name, message, stack and codes, and the same of its causes. Libraries hang
 * requests, rows and parameters on their errors, schemas quote what they refuse, and JSON what it cannot parse: all of that
 * stays here, because nobody expects objects and secrets in a log.
 */
import { isWorkflowError, WorkflowError } from '../errors.ts'

/** Members of errors of systems and databases that are names, codes and places, never values. */
const harmless = ['code', 'errno', 'syscall', 'address', 'port', 'severity', 'schema', 'table', 'column', 'constraint'] as const
/** Of messages of `ValidationError`. */
const unfit = ' does not fit its schema'
const textLengthMax = 200
const causesMax = 5
const errorsMax = 10

/** A copy with the same prototype. What is no error is told by its kind, or by its text if it is one. Never throws. */
export function loggableError(error: unknown): unknown {
  try {
    return shownOf(error, 0)
  } catch {
    return new Error('an error that cannot be read: looking at it throws')
  }
}

/** The message without what a schema quotes in it. Never throws. */
export function loggableMessage(error: unknown): string {
  const shown = loggableError(error)
  return shown instanceof Error ? shown.message : String(shown)
}

function shownOf(error: unknown, depth: number): unknown {
  if (!(error instanceof Error))
    return typeof error === 'object' || typeof error === 'function'
      ? `no Error, but ${Object.prototype.toString.call(error)}`
      : String(error)
  const name = String(error.name)
  const message = messageOf(error, depth)
  const cause = error.cause === undefined || depth >= causesMax ? undefined : shownOf(error.cause, depth + 1)
  const options = cause === undefined ? {} : { cause }
  const copy = isWorkflowError(error)
    ? new WorkflowError(error.code, message, { ...options, retryable: error.retryable, details: detailsOf(error) })
    : Object.assign(new Error(message, options), extrasOf(error))
  if (error instanceof AggregateError)
    own(
      copy,
      'errors',
      error.errors.slice(0, errorsMax).map((each: unknown) => shownOf(each, depth + 1)),
    )
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error) as object)
  own(copy, 'name', name)
  own(copy, 'stack', `${name}: ${message}${framesOf(error)}`)
  return copy
}

function messageOf(error: Error, depth: number): string {
  const end = isWorkflowError(error, 'Validation') ? error.message.indexOf(unfit) : -1
  // The issues come after that; many quote the value.
  if (isWorkflowError(error) && end >= 0) return `${error.message.slice(0, end)}${unfit}${placesOf(error)}`
  // Of a text that was stored. What a handler says itself is its own.
  if (depth > 0 && error instanceof SyntaxError) return 'the text is not what it should be'
  return String(error.message)
}

function pathsOf({ details }: WorkflowError): readonly string[] {
  const issues: unknown = details['issues']
  return Array.isArray(issues) ? issues.map((issue: unknown) => String((issue as { readonly path?: unknown } | null)?.path ?? '')) : []
}

function placesOf(error: WorkflowError): string {
  const paths = pathsOf(error).filter((path) => path !== '')
  return paths.length === 0 ? '' : `, at ${paths.slice(0, errorsMax).join(', ')}`
}

function detailsOf(error: WorkflowError): Readonly<Record<string, unknown>> {
  const { issues, ...details } = error.details
  return issues === undefined ? details : { ...details, issues: pathsOf(error).map((path) => ({ path })) }
}

function extrasOf(error: Error): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    harmless.flatMap((key) => {
      const value: unknown = Reflect.get(error, key)
      return typeof value === 'number' || (typeof value === 'string' && value.length <= textLengthMax) ? [[key, value]] : []
    }),
  )
}

/** The stack without the message at its head. */
function framesOf({ stack }: Error): string {
  const frames = /\n {4}at [^]*$/.exec(String(stack ?? ''))
  return frames?.[0] ?? ''
}

function own(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: false })
}
