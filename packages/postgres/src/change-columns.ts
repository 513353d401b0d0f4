/** The changes of a batch as the function `commit_1` takes them: an array per column. */
import { isFinished, type Change, type Payload } from '@workflow/core/adapter'
import { codecText, entryText, metadataText, pauseText, writerText } from '@workflow/sql'
import { BinaryArray } from './binary-array.ts'
import type { Shapes } from './shapes.ts'

/** Mostly the history's object is the record's own: then it is not sent twice. */
const sameObject = '='

/** How many arrays there are. */
export const columnCount = 35

/** Takes one change after the other. The order of the arrays is that of the parameters. */
export class ChangeColumns {
  readonly #shapes: Shapes
  readonly #unit: BinaryArray
  readonly #expect: BinaryArray
  readonly #runId: BinaryArray
  readonly #status: BinaryArray
  readonly #state: BinaryArray
  readonly #enteredVersion: BinaryArray
  readonly #enteredAt: BinaryArray
  readonly #repeat: BinaryArray
  readonly #updatedAt: BinaryArray
  readonly #finishedAt: BinaryArray
  readonly #writer: BinaryArray
  readonly #metadata: BinaryArray
  readonly #traceparent: BinaryArray
  readonly #pause: BinaryArray
  readonly #codec: BinaryArray
  readonly #object: BinaryArray
  readonly #created: readonly [BinaryArray, BinaryArray, BinaryArray, BinaryArray, BinaryArray, BinaryArray]
  readonly #shape: BinaryArray
  readonly #slot: BinaryArray
  readonly #eventAt: BinaryArray
  readonly #foreignId: BinaryArray
  readonly #eventTraceparent: BinaryArray
  readonly #unitId: BinaryArray
  readonly #entry: BinaryArray
  readonly #eventCodec: BinaryArray
  readonly #eventObject: BinaryArray
  readonly #reasonCodec: BinaryArray
  readonly #reason: BinaryArray
  readonly #errorCodec: BinaryArray
  readonly #error: BinaryArray
  #creates = false

  /** For about so many changes, with about so many bytes of objects in all. */
  constructor(shapes: Shapes, count: number, bytes: number) {
    const int4 = (): BinaryArray => new BinaryArray('int4', count, 4)
    const int8 = (): BinaryArray => new BinaryArray('int8', count, 8)
    const text = (length: number): BinaryArray => new BinaryArray('text', count, length)
    const sparse = (type: 'int8' | 'text' | 'bytea'): BinaryArray => new BinaryArray(type, count, 0)
    this.#shapes = shapes
    this.#unit = int4()
    this.#expect = int8()
    // Room for texts is three bytes a character while they are written.
    this.#runId = text(40)
    this.#status = text(24)
    this.#state = text(16)
    this.#enteredVersion = int8()
    this.#enteredAt = int8()
    this.#repeat = int8()
    this.#updatedAt = int8()
    this.#finishedAt = sparse('int8')
    this.#writer = text(20)
    this.#metadata = sparse('text')
    this.#traceparent = sparse('text')
    this.#pause = sparse('text')
    this.#codec = text(8)
    this.#object = new BinaryArray('bytea', count, bytes / count)
    this.#created = [sparse('text'), sparse('text'), sparse('int8'), sparse('text'), sparse('text'), sparse('text')]
    this.#shape = int4()
    this.#slot = int4()
    this.#eventAt = int8()
    this.#foreignId = text(24)
    this.#eventTraceparent = sparse('text')
    this.#unitId = text(48)
    this.#entry = text(56)
    this.#eventCodec = text(4)
    this.#eventObject = sparse('bytea')
    this.#reasonCodec = sparse('text')
    this.#reason = sparse('bytea')
    this.#errorCodec = sparse('text')
    this.#error = sparse('bytea')
  }

  /** Adds a change of the unit with this number. */
  add(change: Change, unit: number): void {
    this.#unit.int4(unit)
    this.#expect.int8(change.expect === 'absent' ? 0 : change.expect)
    this.#addRecord(change)
    this.#addCreation(change)
    this.#addEvent(change)
    this.#addHistory(change)
  }

  /** The arrays. */
  end(): readonly (Buffer | null)[] {
    const [workflow, foreignId, createdAt, ...parent] = this.#created
    return [
      ...[this.#unit, this.#expect, this.#runId, this.#status, this.#state, this.#enteredVersion, this.#enteredAt, this.#repeat].map(ended),
      this.#updatedAt.end(),
      this.#finishedAt.endSparse(),
      this.#writer.end(),
      this.#metadata.endSparse(),
      this.#traceparent.endSparse(),
      this.#pause.endSparse(),
      this.#codec.end(),
      this.#object.end(),
      ...[workflow, foreignId, createdAt].map((column) => (this.#creates ? column.end() : null)),
      ...parent.map((column) => (this.#creates ? column.endSparse() : null)),
      ...[this.#shape, this.#slot, this.#eventAt, this.#foreignId].map(ended),
      this.#eventTraceparent.endSparse(),
      ...[this.#unitId, this.#entry, this.#eventCodec].map(ended),
      ...[this.#eventObject, this.#reasonCodec, this.#reason, this.#errorCodec, this.#error].map((column) => column.endSparse()),
    ]
  }

  #addRecord({ next }: Change): void {
    this.#runId.text(next.runId)
    this.#status.text(next.status)
    this.#state.text(next.runState)
    this.#enteredVersion.int8(next.entered.version)
    this.#enteredAt.int8(next.entered.at.getTime())
    this.#repeat.int8(next.repeat)
    this.#updatedAt.int8(next.updatedAt.getTime())
    this.#finishedAt.int8(isFinished(next.runState) ? (next.finishedAt?.getTime() ?? 0) : null)
    this.#writer.text(writerText(next.writer))
    this.#metadata.text(metadataText(next.metadata))
    this.#traceparent.text(next.traceparent)
    this.#pause.text(pauseText(next.pause))
    this.#codec.text(codecText(next.object))
    this.#object.bytes(next.object.bytes)
  }

  #addCreation({ expect, next }: Change): void {
    const creates = expect === 'absent'
    this.#creates ||= creates
    const [workflow, foreignId, createdAt, parentWorkflow, parentRun, parentJoin] = this.#created
    workflow.text(creates ? next.workflowName : null)
    foreignId.text(creates ? next.foreignId : null)
    createdAt.int8(creates ? next.createdAt.getTime() : null)
    const parent = creates ? next.parent : undefined
    parentWorkflow.text(parent?.workflowName)
    parentRun.text(parent?.runId)
    parentJoin.text(parent?.join)
  }

  #addEvent({ event }: Change): void {
    this.#shape.int4(this.#shapes.idOf(event))
    this.#slot.int4(event.slot)
    this.#eventAt.int8(event.at.getTime())
    this.#foreignId.text(event.foreignId)
    this.#eventTraceparent.text(event.traceparent)
  }

  #addHistory({ next, event, history }: Change): void {
    const { object, reason, error } = history
    const different = object === next.object ? undefined : object
    this.#unitId.text(history.unitId)
    this.#entry.text(entryText(history, event))
    this.#eventCodec.text(different === undefined ? object && sameObject : codecText(different))
    this.#eventObject.bytes(different?.bytes)
    this.#reasonCodec.text(codecOf(reason))
    this.#reason.bytes(reason?.bytes)
    this.#errorCodec.text(codecOf(error))
    this.#error.bytes(error?.bytes)
  }
}

function ended(column: BinaryArray): Buffer {
  return column.end()
}

function codecOf(payload: Payload | undefined): string | undefined {
  return payload === undefined ? undefined : codecText(payload)
}
