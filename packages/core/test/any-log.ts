/** Runs and entries with any texts, halves of surrogate pairs and control characters included. */
import fc from 'fast-check'
import type { ExportedRun } from '../src/export/exported-run.ts'
import type { ExportedEntry } from '../src/export/fields.ts'
import { runStates } from '../src/model/run-state.ts'

// Any UTF-16 units, and what spreadsheets and parsers care for more often than chance would have it.
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('=', '+', '-', '@', "'", '"', ',', ';', '<', '&', ']]>', '\r', '\n', '\t', '\0', '\uD800', '\uDFFF', ' ', 'x'))
    .map((all) => all.join('')),
)
const date = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
const state = fc.constantFrom(...runStates)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })

/** Without the keys that are undefined. */
function present<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T
}

export const anyRun: fc.Arbitrary<ExportedRun> = fc
  .record({
    workflowName: text,
    runId: text,
    foreignId: text,
    status: text,
    state,
    version: fc.nat(),
    // Keys that the store would take for two and XML for one are not for this.
    metadata: fc.dictionary(fc.string({ unit: 'grapheme' }), text, { noNullPrototype: true }),
    createdAt: date,
    updatedAt: date,
    enteredAt: date,
  })
  .map((run) => present(run))

export const anyEntry: fc.Arbitrary<ExportedEntry> = fc
  .record({
    version: fc.nat(),
    from: maybe(text),
    to: text,
    states: fc.array(state),
    by: fc.constantFrom('trigger', 'step', 'callback', 'timeout', 'join', 'person', 'engine'),
    at: date,
    attempt: fc.nat(),
    durationMs: maybe(fc.nat()),
    instance: text,
    actor: maybe(text),
    reason: maybe(text),
    error: maybe(fc.record({ name: text, message: text })),
  })
  .chain((entry) =>
    maybe(text).map((object) => ({ entry: present(entry), ...(object === undefined ? undefined : { object }) }) as ExportedEntry),
  )
