import { Configuration, isWorkflowError, StoreCorrupt, StoreUnavailable, type WorkflowError } from '@workflow/core/adapter'

/** The code of an error of the driver, e.g. `SQLITE_BUSY_SNAPSHOT`; undefined for other errors. */
export function driverCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : undefined
}

/** Whether the same statement may succeed a moment later, because only another connection is in the way. */
export function isBusy(error: unknown): boolean {
  const code = driverCode(error)
  return code !== undefined && (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED'))
}

/** What went wrong with the file, as one of Workflow's errors that names the file and the way out. */
export function storeError(error: unknown, file: string): WorkflowError {
  if (isWorkflowError(error)) {
    return error
  }
  const code = driverCode(error) ?? ''
  const options = { cause: error, details: { file, code } }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new StoreUnavailable(`the database ${file} is locked by another connection: end its transaction, or raise busyTimeout`, options)
  }
  if (code.startsWith('SQLITE_READONLY')) {
    return new StoreUnavailable(`the database ${file} is read-only: give this process the right to write the file and its folder`, options)
  }
  if (code === 'SQLITE_FULL') {
    return new StoreUnavailable(`the disk that holds ${file} is full: free some space; nothing that was committed is lost`, options)
  }
  // The driver looks for the folder itself, and then has no code of SQLite.
  if (code.startsWith('SQLITE_CANTOPEN') || (error instanceof TypeError && error.message.includes('directory does not exist'))) {
    return new StoreUnavailable(
      `the database ${file} cannot be opened: make its folder if it is missing, and see that this process may write there`,
      options,
    )
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return new StoreCorrupt(
      `${file} is not a readable SQLite database: restore it from a backup, or try the .recover command of the sqlite3 shell`,
      options,
    )
  }
  if (code.startsWith('SQLITE_IOERR') || code === 'SQLITE_NOMEM' || code === 'SQLITE_PROTOCOL') {
    return new StoreUnavailable(`the disk that holds ${file} failed (${code}): check the disk and the log of the system`, options)
  }
  if (error instanceof Error && error.message.includes('no such table')) {
    return new Configuration(`the database ${file} lacks a table (${error.message}): migrate it, and check the table prefix`, options)
  }
  return new StoreUnavailable(
    `the database ${file} refused a statement: ${error instanceof Error ? error.message : String(error)}`,
    options,
  )
}

/** The file was deleted or replaced while it was open: what is written now would be lost with it. */
export function fileGone(file: string): StoreUnavailable {
  return new StoreUnavailable(`the database file ${file} was deleted or replaced while it was open: put it back and start again`, {
    details: { file },
  })
}
