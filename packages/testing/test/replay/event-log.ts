/** A process log as process-mining tools exchange it: case, activity, timestamp, resource. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface LoggedEvent {
  readonly activity: string
  readonly at: Date
  readonly resource: string
}

/** The events of each case, in the order of the file. */
export type EventLog = ReadonlyMap<string, readonly LoggedEvent[]>

/** Beside the repository: the logs are others' and are not part of it. `PROCESS_LOGS` names another folder. */
const folder =
  process.env['PROCESS_LOGS'] ?? fileURLToPath(new URL(['..', '..', '..', '..', '..', 'shared', 'data'].join('/'), import.meta.url))

/** Undefined where this machine does not have the log. */
export function eventLog(name: string): EventLog | undefined {
  const file = `${folder}/${name}.csv`
  return existsSync(file) ? parse(readFileSync(file, 'utf8')) : undefined
}

/** The logs' fields hold neither quotes nor commas; a line that says otherwise is an error. */
function parse(text: string): EventLog {
  const cases = new Map<string, LoggedEvent[]>()
  for (const line of text.trimEnd().split(/\r?\n/).slice(1)) {
    const [name, activity, timestamp, resource, ...rest] = line.split(',')
    const at = new Date(timestamp ?? '')
    if (name === undefined || activity === undefined || resource === undefined || rest.length > 0 || Number.isNaN(at.getTime()))
      throw new Error(`not an event: ${line}`)
    const events = cases.get(name) ?? []
    events.push({ activity, at, resource })
    cases.set(name, events)
  }
  return cases
}
