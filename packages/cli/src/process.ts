/** The command line as a process: everything that it does to the process that it is alone in. */
import { Console } from 'node:console'
import { writeSync } from 'node:fs'
import { type ExitCode, exitCodes } from './exit-code.ts'
import { failure, main, type Outcome } from './main.ts'
import { supportsNode } from './node-version.ts'
import { UsageError } from './usage-error.ts'

/** So long what was opened may take to close, once the answer is out. */
const closeMsMax = 5_000

/** Runs the command that the process was called with, and ends the process. */
export function runProcess(): void {
  const args = process.argv.slice(2)
  const json = args.includes('--json')
  // Standard output is for the answer alone: what the config's own code prints, a banner say, must not spoil it.
  globalThis.console = new Console({ stdout: process.stderr, stderr: process.stderr })
  // Whoever reads the answer may have had enough of it.
  process.stdout.on('error', () => undefined)
  let answer: Outcome | undefined
  /** The first answer counts: what fails once it is out, e.g. while a pool closes, changes nothing. */
  const end = (outcome: Outcome): void => {
    if (answer !== undefined) return
    answer = outcome
    // Not by an exit code alone: what the config has opened and nobody closes, a pool say, would keep the process alive.
    void told(outcome).then((code) => {
      answer = { ...outcome, code }
      process.exit(code)
    })
  }
  const fail = (error: unknown): void => end({ ...failure(error, json), close: nothing })
  // By itself Node would end with 1 here, which means something else.
  process.on('uncaughtException', fail)
  process.once('beforeExit', () =>
    fail(new UsageError('nothing is left to wait for, and there is no answer: something that the config awaits never settles')),
  )
  process.once('exit', (code) => {
    if (answer === undefined)
      toldAtOnce(failure(new UsageError(`code of the config has ended the process, by process.exit(${code})`), json))
    process.exitCode = answer?.code ?? 2
  })
  if (supportsNode(process.versions.node)) void main(args, { cwd: process.cwd(), write: writeOut }).then(end)
  else fail(new UsageError(`Node ${process.versions.node} is too old: this needs Node 22.14 or newer`))
}

/** Everything is written, and what was opened has been closed, as far as it goes. Gives the exit code. */
async function told({ stdout, stderr, close, code }: Outcome): Promise<ExitCode> {
  const [failed] = await Promise.all([written(process.stdout, stdout), written(process.stderr, stderr)])
  // Whoever has closed it has read what they wanted. A full disk holds half an answer.
  const unread = failed !== undefined && !isClosed(failed)
  if (unread) await written(process.stderr, failure(unwritten(failed), false).stderr)
  await new Promise<void>((resolve) => {
    setTimeout(resolve, closeMsMax)
    // The answer is out, and the process ends: what does not close now is closed by that.
    close().then(resolve, () => resolve())
  })
  return unread ? exitCodes.failed : code
}

/** For a process that ends while this is called. */
function toldAtOnce({ stdout, stderr }: Omit<Outcome, 'close'>): void {
  if (stdout !== '') writeSync(1, stdout)
  writeSync(2, stderr)
}

/** Rejects once nobody reads any more: going on would be work for nobody. */
function writeOut(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error === undefined || error === null) resolve()
      else reject(unwritten(error))
    })
  })
}

/** Gives what the system says against it. */
function written(stream: NodeJS.WriteStream, text: string): Promise<Error | undefined> {
  if (text === '') return Promise.resolve(undefined)
  return new Promise((resolve) => stream.write(text, (error) => resolve(error ?? undefined)))
}

function unwritten(error: Error): UsageError {
  const text = isClosed(error) ? 'standard output was closed before everything was written' : 'standard output cannot be written'
  return new UsageError(text, { cause: error })
}

function isClosed(error: Error): boolean {
  return 'code' in error && error.code === 'EPIPE'
}

async function nothing(): Promise<void> {
  // Nothing was opened, or what was is not known here.
}
