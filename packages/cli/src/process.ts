/** The command line as a process: everything that it does to the process that it is alone in. */
import { Console } from 'node:console'
import { failure, main, type Outcome } from './main.ts'
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
  // By itself Node would end with 1 here, which means something else.
  process.on('uncaughtException', (error) => void end({ ...failure(error, json), close: nothing }))
  process.once('beforeExit', () => {
    const error = new UsageError('nothing is left to wait for, and there is no answer: something that the config awaits never settles')
    void end({ ...failure(error, json), close: nothing })
  })
  void main(args, process.cwd()).then(end)
}

/** Not by an exit code alone: what the config has opened and nobody closes, a pool say, would keep the process alive. */
async function end({ code, stdout, stderr, close }: Outcome): Promise<void> {
  await Promise.all([written(process.stdout, stdout), written(process.stderr, stderr)])
  const timer = Promise.withResolvers<void>()
  const limit = setTimeout(timer.resolve, closeMsMax)
  try {
    await Promise.race([close(), timer.promise])
  } catch {
    // The answer is out, and the process ends: what does not close now is closed by that.
  }
  clearTimeout(limit)
  process.exit(code)
}

function written(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return text === '' ? Promise.resolve() : new Promise((resolve) => stream.write(text, () => resolve()))
}

async function nothing(): Promise<void> {
  // Nothing was opened, or what was is not known here.
}
