/** A verb of a kit as a test has called it, and errors that point there. */
import { AssertionError, deepStrictEqual } from 'node:assert'
import { type AnySnapshot, isWorkflowError } from '@workflow/core'
import { Stuck } from './stuck.ts'

/** A verb in the test's own words, and where it was called: errors that are found later point there. */
export interface Asked {
  readonly what: string
  readonly site: { readonly stack?: string }
}

/** The same error, found at the call of the verb instead of inside the kit. */
export function at({ site }: Asked, error: unknown): unknown {
  if (error instanceof Stuck || error instanceof AssertionError || (isWorkflowError(error, 'Stopped') && error instanceof Error))
    error.stack = `${error.name}: ${error.message}\n${site.stack?.split('\n').slice(1).join('\n') ?? ''}`
  return error
}

/** Rejects with an `AssertionError` unless the object of a run equals what is required, or passes the check. */
export async function assertObject(asked: Asked, run: AnySnapshot, status: string, required: unknown): Promise<void> {
  const where = `run ${run.runId} ('${run.foreignId}') of workflow '${run.workflowName}' at '${status}'`
  if (typeof required !== 'function') {
    const difference = unequal(run.object, required, where)
    if (difference !== undefined) throw at(asked, difference)
    return
  }
  // The cast holds as far as a run-time check can tell. A check may take its time.
  if ((await (required as (value: unknown) => unknown)(run.object)) === false)
    throw at(asked, new AssertionError({ message: `the check refused the object of ${where}`, actual: run.object }))
}

function unequal(actual: unknown, expected: unknown, where: string): AssertionError | undefined {
  try {
    deepStrictEqual(actual, expected)
    return undefined
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error
    error.message = `the object of ${where} is not what was required\n${error.message}`
    return error
  }
}
