import { recordColumns as columns } from '@workflow/sql'

/** The columns that make a record, with what is JSON in the table as text. */
export const recordColumns: string = columns.replace(/\b(?:metadata|attempts)\b/g, '$&::text')
