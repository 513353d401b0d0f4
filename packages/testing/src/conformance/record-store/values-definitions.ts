/** What goes in comes out: any text, any bytes, any length up to the limits; and what cannot be stored is refused alone. */
import { limits, type NextRecord, type Unit } from '@workflow/core/adapter'
import { checkEqual, checkRejects } from '../check.ts'
import {
  changeOf,
  createUnit,
  eventOf,
  historyOf,
  item,
  moved,
  moveUnit,
  newId,
  newRun,
  note,
  payload,
  slotsCount,
  workflowName,
} from '../runs.ts'
import { newTimer } from '../timers.ts'
import { allHistory, allItems, allTimers, checkOk, commitOk, outboxEvents, runAt, withoutSeq } from './reading.ts'
import type { RecordStoreCase, RecordStoreScope } from './record-store-scope.ts'

const megabyte = 1_048_576

const texts = [
  'emoji 👩‍👩‍👧‍👦',
  'עברית ومرحبا',
  'e\u0301 é',
  '日本語',
  'quote \' " ` \\',
  'line\nbreak\ttab\r',
  '%_*?$:{}[]',
  '\u0001\u001f\u007f\ufffd\ufeff',
  '𝒳',
  ' spaces ',
  "'; DROP TABLE runs; --",
]

/** Sends a unit that must be refused together with good neighbours, which must not notice. */
async function checkInvalid(scope: RecordStoreScope, units: readonly (readonly [string, Unit])[], promise: string): Promise<void> {
  const store = await scope.openStore()
  for (const [what, unit] of units) {
    const neighbours = Array.from({ length: 3 }, () => newRun())
    const [before, , after] = await Promise.all([
      store.commit(createUnit(neighbours[0] ?? newRun())),
      checkRejects(() => store.commit(unit), 'InvalidArgument', `${promise} (${what})`),
      store.commit(createUnit(neighbours[1] ?? newRun())),
    ])
    for (const answer of [before, after]) checkOk(answer, `an invalid unit concerns nobody but itself (${what})`)
    const runId = unit.changes?.[0]?.next.runId
    if (runId?.isWellFormed() === true && !runId.includes('\0') && runId !== '')
      checkEqual(await store.lookup(runId), undefined, `an invalid unit writes nothing (${what})`)
  }
}

/** Units that carry `bad` in one text each. */
function unitsWithText(bad: string): readonly (readonly [string, Unit])[] {
  const name = `x${bad}y`
  const records: readonly (readonly [string, Partial<NextRecord>])[] = [
    ['runId', { runId: name }],
    ['foreignId', { foreignId: name }],
    ['workflowName', { workflowName: name }],
    ['status', { status: name }],
    ['a name in metadata', { metadata: { [name]: 'x' } }],
    ['a value in metadata', { metadata: { x: name } }],
    ['traceparent', { traceparent: name }],
    ['parent.join', { parent: { workflowName, runId: 'parent', join: name } }],
    ['the codec of the object', { object: payload('x', { codec: name }) }],
  ]
  const run = newRun()
  const withPart = (more: Partial<Unit>): Unit => createUnit(newRun(), more)
  return [
    ...records.map(([what, fields]): readonly [string, Unit] => [what, createUnit(newRun(fields))]),
    ['the id of the unit', withPart({ id: name })],
    ['the id of an item', withPart({ append: [{ ...item(run.runId, name), ifUnfinished: false }] })],
    ['the stream of an item', withPart({ append: [{ ...item(run.runId, 'a', { stream: name }), ifUnfinished: false }] })],
    ['the owner of a timer', withPart({ timers: [{ put: newTimer({ key: { owner: name } }) }] })],
    ['the name of a timer', withPart({ timers: [{ put: newTimer({ key: { name } }) }] })],
    ['the process of a note', withPart({ attempts: [note(run, { process: name })] })],
  ]
}

/** Cases about values. */
export const valuesDefinitions: readonly RecordStoreCase[] = [
  {
    name: 'texts of every script and sign come back as they were',
    test: async ({ openStore }) => {
      const store = await openStore()
      for (const text of texts) {
        const run = newRun({
          runId: `${newId('run')} ${text}`,
          foreignId: text,
          status: text,
          metadata: { [text]: text },
          writer: { graph: text, schema: 1 },
          parent: { workflowName: text, runId: text, join: text },
        })
        const promise = `texts come back as they were (${JSON.stringify(text)})`
        await commitOk(
          store,
          createUnit(run, {
            append: [{ ...item(run.runId, text, { stream: text }), ifUnfinished: true }],
            attempts: [note(run, { process: text, instance: text })],
            timers: [{ put: newTimer({ key: { owner: run.runId, name: text } }) }],
          }),
          promise,
        )
        const stored = await store.lookup(run.runId)
        checkEqual(withoutSeq(stored), { ...run, attempts: [note(run, { process: text, instance: text })] }, promise)
        checkEqual((await store.latest(workflowName, text))?.runId, run.runId, promise)
        checkEqual(
          (await allItems(store, run.runId, text)).map(({ id }) => id),
          [text],
          promise,
        )
        checkEqual(
          (await allTimers(store, run.runId)).map(({ key }) => key.name),
          [text],
          promise,
        )
        checkEqual(
          (await store.list({ status: [text] }, { limit: 10 })).items.map(({ runId }) => runId),
          [run.runId],
          promise,
        )
      }
    },
  },
  {
    name: 'names of the longest length come back whole',
    test: async ({ openStore }) => {
      const store = await openStore()
      const long = (length: number, end: string): string => '語'.repeat(length - end.length) + end
      const [name, id] = [(end: string): string => long(limits.nameLength, end), (end: string): string => long(limits.idLength, end)]
      const runs = ['a', 'b'].map((end) =>
        newRun({
          runId: name(end),
          foreignId: name(end),
          status: name(end),
          workflowName: name('w'),
          traceparent: id(end),
          metadata: { [id(end)]: long(limits.metadataValueLength, end) },
        }),
      )
      for (const [n, run] of runs.entries()) {
        const unitId = id(`u${n}`)
        const timer = newTimer({ key: { owner: id(`o${n}`), name: id('n') }, workflowName: run.workflowName })
        const unit = createUnit(run, {
          id: unitId,
          append: [{ ...item(run.runId, id('i'), { stream: id('s') }), ifUnfinished: true }],
          timers: [{ put: timer }],
          attempts: [note(run, { process: id('p') })],
        })
        await commitOk(store, unit, 'names of the longest length can be stored, and differ in their last character')
        checkEqual(
          withoutSeq(await store.lookup(run.runId)),
          { ...run, attempts: [note(run, { process: id('p') })] },
          'long names come back whole',
        )
        checkEqual((await store.latest(run.workflowName, run.foreignId))?.runId, run.runId, 'long foreign ids are found')
        checkEqual(
          (await allItems(store, run.runId, id('s'))).map((stored) => stored.id),
          [id('i')],
          'long item ids come back whole',
        )
        checkEqual(
          (await allTimers(store, id(`o${n}`))).map(({ key }) => key),
          [timer.key],
          'long timer keys come back whole',
        )
        checkEqual((await store.commit(unit)).ok, true, 'long unit ids are recognised')
      }
    },
  },
  {
    name: 'payloads come back byte by byte, empty ones and a megabyte as well',
    test: async ({ openStore }) => {
      const store = await openStore()
      const all = Uint8Array.from({ length: 256 }, (_, n) => n)
      const large = new Uint8Array(megabyte).map((_, n) => (n * 31) % 251)
      for (const bytes of [new Uint8Array(0), all, large, all.subarray(10, 20)]) {
        const object = { bytes, codec: 'aes', schema: 42, subject: 'person-1' }
        const run = newRun({ object })
        const next = moved(run, { object, runState: 'Paused', pause: { by: 'engine', reason: object } })
        await commitOk(store, createUnit(run))
        const timer = newTimer({ key: { owner: run.runId }, data: object })
        await commitOk(
          store,
          moveUnit(run, next, {
            append: [{ ...item(run.runId, 'a', { body: object }), ifUnfinished: true }],
            timers: [{ put: timer }],
            attempts: [note(next, { error: object })],
          }),
        )
        const promise = `payloads come back byte by byte (${bytes.length} bytes)`
        checkEqual(withoutSeq(await store.lookup(run.runId)), { ...next, attempts: [note(next, { error: object })] }, promise)
        checkEqual(
          (await allHistory(store, run.runId)).map((entry) => entry.object),
          [object, object],
          promise,
        )
        checkEqual(
          (await allItems(store, run.runId)).map(({ body }) => body),
          [object],
          promise,
        )
        checkEqual(
          (await allTimers(store, run.runId)).map(({ data }) => data),
          [object],
          promise,
        )
      }
    },
  },
  {
    name: 'bytes that the caller changes after the commit stay as they were stored',
    test: async ({ openStore }) => {
      const store = await openStore()
      const object = payload('as it was')
      const run = newRun({ object })
      await commitOk(store, createUnit(run))
      object.bytes.fill(120)
      checkEqual((await store.lookup(run.runId))?.object, payload('as it was'), 'a store never keeps a reference that a caller may change')
      checkEqual(
        (await allHistory(store, run.runId))[0]?.object,
        payload('as it was'),
        'a store never keeps a reference that a caller may change',
      )
    },
  },
  {
    name: 'dates come back to the millisecond',
    test: async ({ openStore }) => {
      const store = await openStore()
      for (const at of [
        new Date(0),
        new Date(1),
        new Date(-86_400_001),
        new Date(Date.UTC(2026, 1, 28, 23, 59, 59, 999)),
        new Date(Date.UTC(9999, 11, 31)),
      ]) {
        const run = newRun({ createdAt: at, updatedAt: at, entered: { version: 1, at }, runState: 'Completed', finishedAt: at })
        await commitOk(store, createUnit(run))
        checkEqual(withoutSeq(await store.lookup(run.runId)), run, 'dates come back to the millisecond')
        checkEqual((await allHistory(store, run.runId))[0]?.at, at, 'dates come back to the millisecond')
      }
    },
  },
  {
    name: 'events come back as they were, whatever is in them',
    test: async ({ openStore, quiet }) => {
      const store = await openStore()
      const run = newRun({ foreignId: texts.join(''), traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' })
      const id = newId('unit')
      const event = eventOf(run, undefined, {
        topics: ['one', 'Two', 'a/b%'],
        previousStatus: 'before',
        states: ['Initiated', 'Running'],
        traceparent: 'x-y',
        at: new Date(123),
      })
      const wake = eventOf(run, undefined, { kind: 'wake', topics: [], states: [], at: new Date(-5) })
      await commitOk(store, { id, changes: [changeOf(id, run, undefined, { event, history: historyOf(run, id) })], emit: [wake] })
      const events = (await outboxEvents(store, workflowName, slotsCount, quiet)).filter(({ runId }) => runId === run.runId)
      checkEqual(events, [event, wake], 'events come back as they were')
    },
  },
  {
    name: 'a NUL in any text is refused, and its neighbours notice nothing',
    test: (scope) => checkInvalid(scope, unitsWithText('\0'), 'a NUL makes a unit invalid'),
  },
  {
    name: 'a lone surrogate in any text is refused, and its neighbours notice nothing',
    test: (scope) => checkInvalid(scope, unitsWithText('\ud800'), 'a lone surrogate makes a unit invalid'),
  },
  {
    name: 'a unit that contradicts itself is refused, and its neighbours notice nothing',
    test: (scope) => {
      const run = newRun()
      const change = changeOf('unit', run)
      const of = (fields: object, id = 'unit'): Unit => ({ id, changes: [{ ...change, ...fields }] })
      return checkInvalid(
        scope,
        [
          ['a create of version 2', of({ next: { ...run, version: 2 } })],
          ['a version that leaps', of({ expect: 1, next: { ...run, version: 3 } })],
          ['an event of another run', of({ event: eventOf(newRun()) })],
          ['an event of another version', of({ event: { ...eventOf(run), version: 2 } })],
          ['a history entry of another version', of({ history: { ...historyOf(run, 'unit'), version: 2 } })],
          ['a history entry of another unit', of({ history: historyOf(run, 'other') })],
          ['two changes of one run', { id: 'unit', changes: [change, changeOf('unit', moved(run), run)] }],
          ['Paused without a pause', createUnit({ ...run, runState: 'Paused' })],
          ['finished without finishedAt', createUnit({ ...run, runState: 'Completed' })],
          ['no unit id', createUnit(run, { id: '' })],
        ],
        'a unit that contradicts itself is invalid',
      )
    },
  },
  {
    name: 'values that no database keeps are refused, and their neighbours notice nothing',
    test: (scope) => {
      const run = newRun()
      const invalid = new Date(Number.NaN)
      return checkInvalid(
        scope,
        [
          ['createdAt', createUnit({ ...run, createdAt: invalid })],
          ['the time of a timer', createUnit(run, { timers: [{ put: newTimer({ at: invalid }) }] })],
          ['an empty run id', createUnit({ ...run, runId: '' })],
          ['a name that is too long', createUnit({ ...run, foreignId: 'x'.repeat(limits.nameLength + 1) })],
          ['an id that is too long', createUnit(run, { id: 'x'.repeat(limits.idLength + 1) })],
          [
            'a payload that is too large',
            createUnit({ ...run, object: { ...run.object, bytes: new Uint8Array(limits.payloadBytes + 1) } }),
          ],
          ['too many parts', createUnit(run, { attempts: Array.from({ length: limits.unitParts + 1 }, () => note(run)) })],
        ],
        'a value that cannot be kept makes a unit invalid',
      )
    },
  },
  {
    name: 'a unit of nothing is answered',
    test: async ({ openStore }) => {
      const store = await openStore()
      const answer = checkOk(await store.commit({ id: newId('unit') }), 'a unit of nothing has nothing that stands against it')
      checkEqual(answer.seqs, [], 'one seq per change')
      const run = await runAt(store, newRun())
      checkOk(
        await store.commit({ id: newId('unit'), changes: [], append: [], consume: [], timers: [], attempts: [], emit: [] }),
        'empty lists are like absent ones',
      )
      checkEqual(withoutSeq(await store.lookup(run.runId)), run, 'a unit of nothing changes nothing')
    },
  },
]
