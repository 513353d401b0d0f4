import type { Harness, Backend } from './harness.ts'

/** One promise of a port, as a test for any runner: `for (const c of recordStoreCases(harness)) test(c.name, c.run)`. */
export interface ConformanceCase {
  /** A sentence about behaviour, unique within its suite. */
  readonly name: string
  /** Capabilities without which there is nothing to test. */
  readonly needs: readonly string[]
  /** Resolves when the promise held; rejects with `PromiseBroken` when not. Each call starts a fresh backend. */
  readonly run: () => Promise<void>
}

/** The capabilities that are said by yes or no. */
export type NeedOf<C> = { [Key in keyof C]-?: NonNullable<C[Key]> extends boolean ? Key : never }[keyof C] & string

/** A case before it has met a harness. */
export interface CaseDefinition<Scope, Need extends string> {
  readonly name: string
  readonly needs?: readonly Need[]
  readonly test: (scope: Scope) => Promise<void>
}

/** A case's scope: what it opened, and the end of it. */
export interface CaseScope {
  /** Closes what the case opened. */
  readonly end: () => Promise<void>
}

/**
 * The cases that an adapter with these capabilities must pass. Those that need a capability that it does not have are
 * left out.
 */
export function bindCases<B extends Backend, C extends object, Scope extends CaseScope>(
  definitions: readonly CaseDefinition<Scope, NeedOf<C>>[],
  harness: Harness<B, C>,
  newScope: (backend: B, capabilities: C) => Scope,
): readonly ConformanceCase[] {
  const fitting = definitions.filter(({ needs = [] }) => needs.every((need) => harness.capabilities[need] === true))
  return fitting.map(({ name, needs = [], test }) => ({ name, needs, run: () => runCase(test, harness, newScope) }))
}

async function runCase<B extends Backend, C, Scope extends CaseScope>(
  test: (scope: Scope) => Promise<void>,
  harness: Harness<B, C>,
  newScope: (backend: B, capabilities: C) => Scope,
): Promise<void> {
  await using backend = await harness.start()
  const scope = newScope(backend, harness.capabilities)
  try {
    await test(scope)
  } catch (error) {
    // The case has failed already: what goes wrong while it is cleared away is a consequence, and would hide the cause.
    await scope.end().catch(() => undefined)
    throw error
  }
  await scope.end()
}
