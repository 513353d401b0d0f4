export { historyEntryOf, entryText, type EntryPayloads, type StoredEntry } from './history-entry.ts'
export { isOpen, openStates } from './open-states.ts'
export { codecText, optionalPayload, payloadOf } from './payload-column.ts'
export { metadataText, notesOf, notesText, pauseOf, pauseText, recordColumns, recordOf, writerText, type RecordRow } from './record-row.ts'
