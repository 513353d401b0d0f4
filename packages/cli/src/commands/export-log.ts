/** `workflow export`: the histories of a workflow's runs as an event log, to standard output or into a file. */
import { resolve } from 'node:path'
import { type ExportFormat, exportHistory, type ExportProblem, type ExportProgress, type ExportQuery } from '@workflow/core/export'
import type { Answer, Command, CommandInput, Write } from '../command.ts'
import type { CliClient } from '../config.ts'
import { exitCodes } from '../exit-code.ts'
import { LogFile } from '../log-file.ts'
import { loadRedaction } from '../redaction-file.ts'
import { counted, printable } from '../text-table.ts'
import { UsageError } from '../usage-error.ts'

const formats: readonly ExportFormat[] = ['csv', 'xes']

/** So many problems are told one by one; the others are counted. */
const toldMax = 20

export const exportLog: Command = {
  words: ['export'],
  summary: 'write the histories of runs as an event log, for process mining or spreadsheets',
  operands: '[workflow]',
  options: {
    format: { value: '<csv|xes>', summary: 'CSV (RFC 4180) or XES (IEEE 1849); where --out ends in .csv or .xes it need not be said' },
    out: { value: '<file>', summary: 'write there, once the log is whole, instead of to standard output' },
    status: { value: '<status>', repeats: true, summary: 'only runs at this status; may be given several times, as the next ones' },
    state: { value: '<state>', repeats: true, summary: 'only runs in this run state, e.g. Completed' },
    metadata: {
      value: '<key=value>',
      repeats: true,
      summary: 'only runs with this in their metadata; all of them, where there are several',
    },
    'foreign-id': { value: '<id>', summary: 'only runs of this foreign id' },
    order: { value: '<newest|oldest>', summary: 'by creation (default newest, which leaves out runs that are started meanwhile)' },
    objects: { summary: 'with the object of each version, as JSON' },
    redact: { value: '<file>', summary: 'a module that exports run, object or entry: functions that take out what must not leave' },
    concurrency: { value: '<n>', summary: 'how many histories to read at once (default 4)' },
  },
  run: writeLog,
}

async function writeLog(input: CommandInput): Promise<Answer> {
  const { operands, options, switches, json, cwd, config, write } = input
  const format = formatOf(options['format'], options['out'])
  if (json && options['out'] === undefined) throw new UsageError('--json is about the export, and standard output has the log: give --out')
  if (operands.length > 1) throw new UsageError(`one workflow at a time; got ${operands.map((name) => `'${printable(name)}'`).join(', ')}`)
  const query = queryOf(input)
  const redact = options['redact'] === undefined ? {} : await loadRedaction(resolve(cwd, options['redact']))
  const names = operands.length === 0 ? config.names : operands
  if (names.length > 1) throw new UsageError(`which workflow? The config has ${names.map((name) => `'${name}'`).join(', ')}`)
  const [client] = await config.clients(names)
  if (client === undefined) throw new UsageError('the config has no workflow')
  const problems = new Problems()
  let done: ExportProgress = { runs: 0, entries: 0 }
  const log = exportHistory(client, {
    format,
    query,
    objects: switches.has('objects'),
    redact,
    ...(options['concurrency'] === undefined ? undefined : { concurrency: Number(options['concurrency']) }),
    onProblem: (problem) => problems.add(problem),
    onProgress: (progress) => {
      done = progress
    },
  })
  const out = options['out'] === undefined ? undefined : resolve(cwd, options['out'])
  await (out === undefined ? all(log, write) : toFile(log, out))
  return answerOf(client, out, done, problems)
}

async function toFile(log: AsyncIterable<string>, path: string): Promise<void> {
  await using file = await LogFile.open(path)
  await all(log, (text) => file.write(text))
  await file.keep()
}

async function all(log: AsyncIterable<string>, write: Write): Promise<void> {
  for await (const chunk of log) await write(chunk)
}

function answerOf({ contract }: CliClient, file: string | undefined, { runs, entries }: ExportProgress, problems: Problems): Answer {
  const ok = problems.count === 0
  const what = `${contract.name}: ${counted(runs)} run${runs === 1 ? '' : 's'}, ${counted(entries)} entr${entries === 1 ? 'y' : 'ies'}`
  return {
    code: ok ? exitCodes.fine : exitCodes.found,
    json: { ok, workflowName: contract.name, runs, entries, file, problems: { count: problems.count, first: problems.first } },
    text: file === undefined ? '' : `${what} in ${file}`,
    ...(ok ? undefined : { notes: problems.text }),
  }
}

function formatOf(given: string | undefined, out: string | undefined): ExportFormat {
  const wanted = given ?? out?.slice(out.lastIndexOf('.') + 1)
  const format = formats.find((each) => each === wanted)
  if (format !== undefined) return format
  throw new UsageError(
    given === undefined ? 'which format? Give --format csv or --format xes' : `--format must be csv or xes; got '${given}'`,
  )
}

function queryOf({ options, lists }: CommandInput): ExportQuery {
  const { status = [], state = [], metadata = [] } = lists
  const query = {
    ...(status.length === 0 ? undefined : { status }),
    ...(state.length === 0 ? undefined : { state }),
    ...(metadata.length === 0 ? undefined : { metadata: Object.fromEntries(metadata.map(pairOf)) }),
    ...(options['foreign-id'] === undefined ? undefined : { foreignId: options['foreign-id'] }),
    ...(options['order'] === undefined ? undefined : { order: options['order'] }),
  }
  // The cast holds because `list` checks states and order itself, and says what there is.
  return query as ExportQuery
}

function pairOf(text: string): readonly [string, string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  throw new UsageError(`--metadata must be <key=value>; got '${text}'`)
}

/** What a log lacks. A run that was purged meanwhile is no fault of the log. */
class Problems {
  readonly first: { readonly kind: string; readonly runId: string; readonly version: number | undefined; readonly text: string }[] = []
  count = 0

  add({ kind, runId, version, text }: ExportProblem): void {
    if (kind === 'run-gone') return
    this.count += 1
    if (this.first.length < toldMax) this.first.push({ kind, runId, version, text })
  }

  get text(): string {
    const more = this.count - this.first.length
    return [
      `the log is whole but for ${counted(this.count)} problem${this.count === 1 ? '' : 's'}:`,
      ...this.first.map(({ text }) => `  ${printable(text)}`),
      ...(more === 0 ? [] : [`  and ${counted(more)} more`]),
    ].join('\n')
  }
}
