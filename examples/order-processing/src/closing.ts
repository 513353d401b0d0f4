/** The last words of a start. */
import { type CliOptions, seedDefault } from './cli-options.ts'
import type { OrderSource } from './order-source.ts'
import { orders } from './orders.contract.ts'
import type { Ending } from './process-orders.ts'
import { auditLines, summaryLines } from './summary.ts'
import { grouped } from './view.ts'

export function closingLines({ progress, facts = [], checks = [], paused }: Ending, options: CliOptions): readonly string[] {
  const { started, known, invalid, repeated } = progress.intake
  const intake = [
    `${grouped(started)} new orders`,
    ...(known === 0 ? [] : [`${grouped(known)} known from before`]),
    ...(repeated === 0 ? [] : [`${grouped(repeated)} repeated lines`]),
    ...(invalid === 0 ? [] : [`${grouped(invalid)} invalid lines skipped`]),
  ]
  const broken = checks.filter(({ faults }) => faults.length > 0).length
  return [
    '',
    'The process, as Mermaid:',
    '',
    orders.diagram({ direction: 'LR' }).trimEnd(),
    '',
    'Summary',
    ...summaryLines(facts, progress.elapsedMs),
    `  input: ${intake.join(', ')}`,
    ...(paused.length === 0 ? [] : ['', 'Paused orders need a person:', ...paused.map((text) => `  ${text}`)]),
    '',
    'Audit, from what is stored',
    ...auditLines(checks),
    broken === 0 ? '  passed' : `  FAILED: ${broken} of ${checks.length} promises are broken`,
    '',
    ...nextLines(options),
  ]
}

function nextLines({ interactive, broker }: CliOptions): readonly string[] {
  return [
    'What to try next',
    '  npm start -- --reset                 once more; kill -9 it on the way',
    '  npm start, in two terminals          two processes share one file',
    ...(interactive ? [] : ['  npm start -- --reset --interactive   decide about the large orders yourself']),
    '  npm start -- --file orders.ndjson    your own orders; or pipe them in',
    ...(broker === undefined ? ['  npm start -- --reset --broker nats   events over NATS, or over kafka'] : []),
    '  npm start -- --help                  everything else',
  ]
}

/** What to type to go on. Lines of stdin that were not read are gone from here: they have to be piped again. */
export function goOnCommand(options: CliOptions, kind: OrderSource['kind']): string {
  const { file, count, db, seed, broker, url, fast, interactive, ui, dbDefault } = options
  const said = [
    ...(kind === 'stdin' || kind === 'none' ? ['--resume'] : []),
    ...(kind === 'file' && file !== undefined ? ['--file', quoted(file)] : []),
    ...(count === Infinity || kind === 'stdin' || kind === 'none' ? [] : ['--count', String(count)]),
    ...(db === dbDefault ? [] : ['--db', quoted(db)]),
    ...(seed === seedDefault ? [] : ['--seed', quoted(seed)]),
    ...(broker === undefined ? [] : ['--broker', broker]),
    ...(url === undefined ? [] : ['--url', quoted(url)]),
    ...(fast ? ['--fast'] : []),
    ...(interactive ? ['--interactive'] : []),
    ...(ui === undefined ? [] : [ui ? '--ui' : '--no-ui']),
  ]
  const command = said.length === 0 ? 'npm start' : `npm start -- ${said.join(' ')}`
  return kind === 'stdin' ? `${command} (and pipe the same lines again if some were not read yet)` : command
}

function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
