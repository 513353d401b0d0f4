/** What a simulation of a user's workflow is told, checked before it begins: a mistake must not look like a broken promise. */
import { InvalidArgument } from '@workflow/core'
import { faultKinds } from './fault.ts'
import { outlineOf, type LooseDefinition, type Outline } from './subject.ts'

/** Whole numbers, with the least and the most that they may be. */
const wholes: { readonly [name: string]: readonly [least: number, most: number] } = {
  seeds: [1, Number.MAX_SAFE_INTEGER],
  firstSeed: [0, Number.MAX_SAFE_INTEGER],
  runs: [1, 10_000],
  faults: [0, 10_000],
  instances: [1, 16],
}
const known: ReadonlySet<string> = new Set([
  ...Object.keys(wholes),
  'initialValue',
  'payloads',
  'events',
  'children',
  'without',
  'faultKinds',
  'onSeed',
])

/** Throws `InvalidArgument` for the first option that cannot be used. */
export function assertOptions(given: unknown): void {
  if (typeof given !== 'object' || given === null) throw new InvalidArgument('simulate needs options, at least { initialValue }')
  const options = given as { readonly [name: string]: unknown }
  for (const name of Object.keys(options))
    if (!known.has(name)) throw new InvalidArgument(`simulate has no option '${name}'; there are ${[...known].join(', ')}`)
  for (const [name, [least, most]] of Object.entries(wholes)) {
    const value = options[name]
    if (value !== undefined && !(Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most))
      throw new InvalidArgument(
        `simulate: '${name}' must be a whole number from ${least}${most < Number.MAX_SAFE_INTEGER ? ` to ${most}` : ''}; got ${shown(value)}`,
      )
  }
  if (typeof options['initialValue'] !== 'function')
    throw new InvalidArgument(
      "simulate needs 'initialValue', a function: (chance, foreignId) => what a run starts with" +
        (options['initialValue'] === undefined ? '' : `; got ${shown(options['initialValue'])}`),
    )
  if (options['onSeed'] !== undefined && typeof options['onSeed'] !== 'function')
    throw new InvalidArgument(`simulate: 'onSeed' must be a function; got ${shown(options['onSeed'])}`)
  for (const id of listOf(options, 'without'))
    if (!Number.isSafeInteger(id)) throw new InvalidArgument(`simulate: 'without' must hold numbers of faults; got ${shown(id)}`)
  for (const kind of listOf(options, 'faultKinds'))
    if (!faultKinds.some((each) => each === kind))
      throw new InvalidArgument(`simulate: there is no kind of fault ${shown(kind)}; there are ${faultKinds.join(', ')}`)
  listOf(options, 'children')
}

/** Throws `InvalidArgument` for what is no definition, and for values of what it does not have. */
export function assertFits(definitions: readonly [LooseDefinition, ...LooseDefinition[]], options: object): void {
  for (const [place, definition] of definitions.entries()) if (!isDefinition(definition)) throw notOne(definition, place)
  const outline = outlineOf(definitions)
  const { payloads, events } = options as { readonly [name: string]: unknown }
  const callbacks = outline.graph.nodes.filter(({ exits }) => exits.includes('callback')).map(({ status }) => status)
  assertMakers(outline, 'payloads', payloads, callbacks, 'status with a callback')
  assertMakers(outline, 'events', events, outline.connectors, 'connector')
}

function isDefinition(value: unknown): value is LooseDefinition {
  const { contract, intercept, build } = (value ?? {}) as { readonly [name: string]: unknown }
  return typeof contract === 'object' && contract !== null && typeof intercept === 'function' && typeof build === 'function'
}

function notOne(value: unknown, place: number): InvalidArgument {
  const where = place === 0 ? 'its first argument' : `child ${place - 1}`
  if (value instanceof Promise)
    return new InvalidArgument(`simulate: ${where} must not be made by an async function: hand over the definition itself`)
  const { run, contract, addStep } = (value ?? {}) as { readonly [name: string]: unknown }
  const why =
    typeof run === 'function'
      ? 'a workflow that was built: hand over what .build() was called on'
      : typeof addStep === 'function' && contract === undefined
        ? 'a contract: it needs its handlers, .addStep(…) and so on'
        : shown(value)
  return new InvalidArgument(`simulate: ${where} must be a definition, or a function that returns one; got ${why}`)
}

function assertMakers({ name }: Outline, option: string, given: unknown, places: readonly string[], what: string): void {
  if (given === undefined) return
  if (typeof given !== 'object' || given === null) throw new InvalidArgument(`simulate: '${option}' must be an object; got ${shown(given)}`)
  for (const [place, make] of Object.entries(given)) {
    if (!places.includes(place))
      throw new InvalidArgument(
        `simulate: '${option}' names '${place}', and workflow '${name}' has no such ${what}${places.length === 0 ? '' : `; it has ${places.join(', ')}`}`,
      )
    if (typeof make !== 'function')
      throw new InvalidArgument(`simulate: '${option}' of '${place}' must be a function, (chance) => the value; got ${shown(make)}`)
  }
}

function listOf(options: { readonly [name: string]: unknown }, name: string): readonly unknown[] {
  const list = options[name] ?? []
  if (!Array.isArray(list)) throw new InvalidArgument(`simulate: '${name}' must be a list; got ${shown(list)}`)
  return list
}

/** A value of the user's, made at once; what goes wrong with it is kept for the caller, and is no broken promise. */
export class Values {
  mistake: InvalidArgument | undefined

  of<T>(what: string, make: () => T): T {
    try {
      const value = make()
      if (value instanceof Promise) {
        value.catch(() => undefined)
        throw new TypeError('it returned a promise, and a simulation cannot wait for one: make the value at once')
      }
      return value
    } catch (cause) {
      this.mistake ??= new InvalidArgument(
        `simulate: ${what} could not be made: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      )
      throw this.mistake
    }
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : typeof value === 'object' && value !== null ? 'an object' : String(value)
}
