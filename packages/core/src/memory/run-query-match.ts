import type { RunQuery } from '../model/run-query.ts'
import type { NextRecord } from '../model/unit.ts'

type Row = Omit<NextRecord, 'object'>

/** Whether a record is one of those that a query asks for. */
export function matchesQuery(query: RunQuery, record: Row): boolean {
  return (
    (query.workflowName === undefined || query.workflowName === record.workflowName) &&
    (query.foreignId === undefined || query.foreignId === record.foreignId) &&
    (query.status === undefined || query.status.includes(record.status)) &&
    (query.runState === undefined || query.runState.includes(record.runState)) &&
    (query.metadata === undefined || hasMetadata(query.metadata, record)) &&
    (query.parent === undefined || isChild(query.parent, record)) &&
    (query.createdAfter === undefined || record.createdAt >= query.createdAfter) &&
    (query.createdBefore === undefined || record.createdAt < query.createdBefore) &&
    (query.updatedBefore === undefined || record.updatedAt < query.updatedBefore)
  )
}

function hasMetadata(wanted: Readonly<Record<string, string>>, { metadata }: Row): boolean {
  return Object.entries(wanted).every(([name, value]) => Object.hasOwn(metadata, name) && metadata[name] === value)
}

function isChild(parent: NonNullable<RunQuery['parent']>, record: Row): boolean {
  return record.parent?.runId === parent.runId && (parent.join === undefined || parent.join === record.parent.join)
}
