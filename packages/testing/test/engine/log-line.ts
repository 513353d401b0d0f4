/** What every line of the engine's log owes to whoever searches for a run. */

/** What a logger was told. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: { readonly [name: string]: unknown }
  readonly message: string
}

/** What has led to them knows no more of a run than its id. */
const beforeReading = ['a run could not be looked at; trying again', 'an event or timer of a run that is not stored: dropping it']

/** What a line lacks: its workflow; and its process, foreign id and version where it is about a run. */
export function lineFaults({ fields, message }: LogLine): readonly string[] {
  const wanted: readonly (readonly [field: string, type: string])[] =
    fields['runId'] === undefined || beforeReading.includes(message) || fields['unitId'] !== undefined
      ? [['workflow', 'string']]
      : [
          ['workflow', 'string'],
          ['process', 'string'],
          ['foreignId', 'string'],
          ['version', 'number'],
        ]
  return wanted
    .filter(([field, type]) => typeof fields[field] !== type)
    .map(([field]) => `'${message}' has no ${field}: ${JSON.stringify(fields)}`)
}
