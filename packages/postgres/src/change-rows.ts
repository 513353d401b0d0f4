/** The changes of a batch as the function `commit_1` takes them. */
import { isFinished, type Change, type Payload } from '@workflow/core/adapter'
import { codecText, entryText, metadataText, pauseText, writerText } from '@workflow/sql'
import { BinaryRows } from './binary-rows.ts'
import { changeColumns, sameObject } from './change-type.ts'
import type { Shapes } from './shapes.ts'

/** About how long a change is, without its payloads. */
const changeBytes = 800

/** A change, and the number of its unit, from 1. */
export interface NumberedChange {
  readonly change: Change
  readonly unit: number
}

/** The changes in their order, as an array of the composite type with this oid; null for none. */
export function changeRows(changes: readonly NumberedChange[], type: number, shapes: Shapes): Buffer | null {
  if (changes.length === 0) return null
  const bytes = changes.reduce((sum, { change }) => sum + changeBytes + change.next.object.bytes.byteLength, 0)
  const rows = new BinaryRows(type, Object.keys(changeColumns).length, bytes)
  for (const { change, unit } of changes) {
    rows.row()
    rows.integer(unit)
    rows.bigint(change.expect === 'absent' ? 0 : change.expect)
    addRecord(rows, change)
    addCreation(rows, change)
    addEvent(rows, change, shapes)
    addHistory(rows, change)
  }
  return rows.end()
}

function addRecord(rows: BinaryRows, { next }: Change): void {
  rows.text(next.runId)
  rows.text(next.foreignId)
  rows.text(next.status)
  rows.text(next.runState)
  rows.bigint(next.entered.version)
  rows.bigint(next.entered.at.getTime())
  rows.bigint(next.repeat)
  rows.bigint(next.updatedAt.getTime())
  rows.bigint(isFinished(next.runState) ? (next.finishedAt?.getTime() ?? 0) : null)
  rows.text(writerText(next.writer))
  rows.text(metadataText(next.metadata))
  rows.text(next.traceparent)
  rows.text(pauseText(next.pause))
  rows.text(codecText(next.object))
  rows.bytes(next.object.bytes)
}

function addCreation(rows: BinaryRows, { expect, next }: Change): void {
  const creates = expect === 'absent'
  const parent = creates ? next.parent : undefined
  rows.text(creates ? next.workflowName : null)
  rows.bigint(creates ? next.createdAt.getTime() : null)
  rows.text(parent?.workflowName)
  rows.text(parent?.runId)
  rows.text(parent?.join)
}

function addEvent(rows: BinaryRows, { event }: Change, shapes: Shapes): void {
  rows.integer(shapes.idOf(event))
  rows.integer(event.slot)
  rows.bigint(event.at.getTime())
  rows.text(event.traceparent)
}

function addHistory(rows: BinaryRows, { next, event, history }: Change): void {
  const { object, reason, error } = history
  const different = object === next.object ? undefined : object
  rows.text(history.unitId)
  rows.text(entryText(history, event))
  rows.text(different === undefined ? object && sameObject : codecText(different))
  rows.bytes(different?.bytes)
  rows.text(codecOf(reason))
  rows.bytes(reason?.bytes)
  rows.text(codecOf(error))
  rows.bytes(error?.bytes)
}

function codecOf(payload: Payload | undefined): string | undefined {
  return payload === undefined ? undefined : codecText(payload)
}
