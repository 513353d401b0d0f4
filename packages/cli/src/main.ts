/** The command line as a function: words in, an exit code and texts out. It never rejects and never ends the process. */
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { isWorkflowError } from '@workflow/core'
import type { Answer, Command, Write } from './command.ts'
import { commands } from './command-list.ts'
import { loadConfig } from './config-file.ts'
import { type ExitCode, exitCodes } from './exit-code.ts'
import { help, helpOf, usageOf } from './help.ts'
import { openMsMax } from './in-time.ts'
import { OpenConfig } from './open-config.ts'
import { readable } from './readable-error.ts'
import { UsageError } from './usage-error.ts'

/** What the process is to write, and how it is to end. */
export interface Outcome {
  readonly code: ExitCode
  readonly stdout: string
  readonly stderr: string
  /** Closes what was opened. Call it once the texts are out: it may take its time. */
  readonly close: () => Promise<void>
}

/** Where a command line is carried out. */
export interface Surroundings {
  readonly cwd: string
  /** Takes what is too long for `Outcome.stdout`, before it. */
  readonly write: Write
  /**
   * How long the config may take to load, and to open.
   * @default 60_000
   */
  readonly msMax?: number
}

/** `args`: what follows the name of the program. */
export async function main(args: readonly string[], { cwd, write, msMax = openMsMax }: Surroundings): Promise<Outcome> {
  const json = args.includes('--json')
  const opened: OpenConfig[] = []
  const close = async (): Promise<void> => {
    for (const config of opened) await config.close()
  }
  try {
    const answer = await answered(args, { cwd, write, msMax }, (config) => opened.push(config))
    const text = json && answer.json !== undefined ? JSON.stringify(answer.json, null, 2) : answer.text
    const notes = answer.notes === undefined ? '' : `workflow: ${answer.notes}\n`
    return { code: answer.code, stdout: text === '' ? '' : `${text}\n`, stderr: notes, close }
  } catch (error) {
    return { ...failure(error, json), close }
  }
}

/** What a script and a person are told when the command could not be carried out. */
export function failure(error: unknown, json: boolean): Omit<Outcome, 'close'> {
  const message = readable(error)
  const code = error instanceof UsageError ? 'Usage' : isWorkflowError(error) ? error.code : 'Error'
  const stdout = json ? `${JSON.stringify({ ok: false, error: { code, message } }, null, 2)}\n` : ''
  return { code: exitCodes.failed, stdout, stderr: `workflow: ${message}\n` }
}

async function answered(
  args: readonly string[],
  { cwd, write, msMax }: Required<Surroundings>,
  onOpen: (config: OpenConfig) => void,
): Promise<Answer> {
  const command = commands.find(({ words }) => words.every((word, i) => args[i] === word))
  if (command === undefined) return general(args)
  const { values, positionals } = parsed(command, args.slice(command.words.length))
  if (values['help'] === true) return plain(helpOf(command))
  const config = new OpenConfig(await loadConfig(cwd, textOf(values['config']), msMax), msMax)
  onOpen(config)
  const names = Object.keys(command.options)
  const options = Object.fromEntries(names.map((name) => [name, textOf(values[name])]))
  const lists = Object.fromEntries(names.map((name) => [name, listOf(values[name])]))
  const switches = new Set(names.filter((name) => values[name] === true))
  const json = values['json'] === true
  return await command.run({ operands: positionals, options, lists, switches, json, cwd, config, write })
}

/** A call without a command. */
function general(args: readonly string[]): Answer {
  if (args[0] === '--help' || args[0] === '-h' || args[0] === 'help') return plain(help())
  // The cast holds because the file is our own.
  if (args[0] === '--version') return plain((createRequire(import.meta.url)('@workflow/cli/package.json') as { version: string }).version)
  const words = args.filter((arg) => !arg.startsWith('-'))
  throw new UsageError(
    `${words.length === 0 ? 'no command was given' : `there is no command '${words.slice(0, 2).join(' ')}'`}\n\n${help()}`,
  )
}

function plain(text: string): Answer {
  return { code: exitCodes.fine, json: undefined, text }
}

type Value = string | boolean | readonly (string | boolean)[] | undefined
type Values = { readonly [name: string]: Value }

function parsed(command: Command, args: readonly string[]): { readonly values: Values; readonly positionals: readonly string[] } {
  const own = Object.fromEntries(
    Object.entries(command.options).map(([name, { value, repeats = false }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: repeats },
    ]),
  )
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...own, config: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    })
  } catch (error) {
    throw new UsageError(`${readable(error)}\n\n${usageOf(command)}`, { cause: error })
  }
}

function textOf(value: Value): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function listOf(value: Value): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}
