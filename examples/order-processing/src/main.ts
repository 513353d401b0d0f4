/** `npm start`: the command line around one start. */
import { isWorkflowError, type Logger } from '@workflow/core'
import { relative, resolve } from 'node:path'
import type { OrderClient } from './all-runs.ts'
import { type CliOptions, parseCliOptions, usage, UsageError } from './cli-options.ts'
import { dataFiles, resetFiles } from './data-files.ts'
import { closingLines, goOnCommand } from './closing.ts'
import { pressedKeys } from './keyboard.ts'
import { isPiped, orderSource, type OrderSource } from './order-source.ts'
import { PlainView } from './plain-view.ts'
import { processOrders } from './process-orders.ts'
import { columnsMin, rowsMin, TerminalView } from './terminal-view.ts'
import { grouped, type View } from './view.ts'
import { serveOrders, wantsWebUi } from './web-ui.ts'

const home = resolve(import.meta.dirname, '..')
/** Where the person is: npm and pnpm start scripts somewhere else. */
const here = process.env['INIT_CWD'] ?? process.cwd()
/** After a shorter silence than this the sample is taken, so that something is seen within two seconds. */
const pipePatienceMs = 1_000
const signalNumbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const

// Whoever read our output has left (`npm start | head`): there is nobody to talk to, and nothing to lose.
process.stdout.on('error', () => process.exit(128 + 13))
process.exitCode = await main().catch((error: unknown) => {
  if (error instanceof UsageError) return complain(`${error.message}\n\nnpm start -- --help says what is possible.`, 2)
  if (isWorkflowError(error))
    return complain(error.retryable ? `${error.message}\n\nWhat was taken in is safe in the database.` : error.message, 1)
  if (isSystemError(error)) return complain(error.message, 1)
  return complain(error instanceof Error ? (error.stack ?? error.message) : String(error), 1)
})

async function main(): Promise<number> {
  const options = parseCliOptions(
    process.argv.slice(2).filter((arg, index) => !(index === 0 && arg === '--')),
    here,
    resolve(home, 'data/orders.db'),
  )
  if (options.help) return say(usage)
  if (options.interactive && !process.stdin.isTTY) throw new UsageError('--interactive needs a terminal to answer in')
  const files = dataFiles(options.db)
  const inside = relative(here, files.db)
  say(`Workflow, order processing: ${inside.startsWith('..') ? files.db : inside}\n`)
  const source = await orderSource({
    ...(options.file === undefined ? undefined : { file: options.file }),
    resume: options.resume,
    sample: resolve(home, 'sample/orders.ndjson'),
    stdin: process.stdin,
    piped: isPiped(0),
    patienceMs: pipePatienceMs,
  })
  if (source.note !== undefined) say(`${source.note}\n`)
  if (options.reset) await resetFiles(files)
  return await start(options, source, files)
}

async function start(options: CliOptions, source: OrderSource, files: ReturnType<typeof dataFiles>): Promise<number> {
  const stop = new AbortController()
  let caught: keyof typeof signalNumbers | undefined
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      // Asked twice: somebody is in a hurry, and nothing is lost this way either.
      if (caught !== undefined) process.exit(128 + signalNumbers[name])
      caught = name
      stop.abort()
      // A read that waits for somebody to type or to pipe would go on for ever.
      process.stdin.destroy()
    })
  }
  const view = viewFor(process.stdout)
  const keys = options.interactive ? pressedKeys(process.stdin, () => process.kill(process.pid, 'SIGINT')) : undefined
  try {
    const ending = await processOrders({
      options,
      files,
      chunks: source.chunks,
      view,
      stop: stop.signal,
      ...(keys === undefined ? undefined : { keys }),
      ended: async (whole, { client, logger }) => {
        view.end()
        for (const line of closingLines(whole, options)) say(`${line}\n`)
        await lookAround(options, client, logger, stop.signal)
      },
    })
    view.end()
    if (ending.checks !== undefined) return ending.checks.every(({ faults }) => faults.length === 0) && ending.progress.paused === 0 ? 0 : 1
    const { finished, total } = ending.progress
    // Nothing else stops it before its end.
    const signal = caught ?? 'SIGINT'
    say(
      `\nStopped. ${grouped(finished)} of ${grouped(total)} orders have ended, the others wait in the database.\nGo on with: ${goOnCommand(options, source.kind)}\n`,
    )
    return 128 + signalNumbers[signal]
  } finally {
    view.end()
    process.stdin.destroy()
  }
}

async function lookAround(options: CliOptions, client: OrderClient, logger: Logger, stop: AbortSignal): Promise<void> {
  if (stop.aborted || !wantsWebUi(options, { stdin: process.stdin, stdout: process.stdout, environment: process.env })) return
  // Where single keys were asked for, Ctrl-C is one of them: from here on it is a signal again.
  if (process.stdin.isTTY) process.stdin.setRawMode(false)
  await serveOrders(client, logger, (line) => say(`${line}\n`), stop)
}

function viewFor(stdout: NodeJS.WriteStream): View {
  if (!stdout.isTTY || process.env['TERM'] === 'dumb' || stdout.rows < rowsMin || stdout.columns < columnsMin)
    return new PlainView((line) => say(`${line}\n`))
  return new TerminalView(stdout, process.env['NO_COLOR'] === undefined || process.env['NO_COLOR'] === '')
}

/** The operating system said no, e.g. to a folder that must not be written. Its message names the file. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}

function say(text: string): number {
  process.stdout.write(text)
  return 0
}

function complain(text: string, code: number): number {
  process.stderr.write(`${text}\n`)
  return code
}
