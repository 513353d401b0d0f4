import type { ExitCode } from './exit-code.ts'
import type { OpenConfig } from './open-config.ts'

/** A command of the command line. Each is a file in `commands`, listed in `command-list.ts`. */
export interface Command {
  /** How it is called: `['graph', 'check']`. */
  readonly words: readonly string[]
  /** One line for the list of commands. */
  readonly summary: string
  /** What may follow its words, as the help shows it: `'[workflow…]'`. */
  readonly operands: string
  readonly options: { readonly [name: string]: CommandOption }
  readonly run: (input: CommandInput) => Promise<Answer>
}

/** An option: with a value, with one each time it is given, or a switch. */
export interface CommandOption {
  /** What stands for the value in the help: `'<n>'`. A switch has none. */
  readonly value?: string
  /** Whether it may be given several times; its values are then in `lists`. */
  readonly repeats?: boolean
  readonly summary: string
}

/** What a command is given. */
export interface CommandInput {
  readonly operands: readonly string[]
  /** Values of options that do not repeat. */
  readonly options: { readonly [name: string]: string | undefined }
  /** Values of options that repeat, in the order of the call; empty where they were not given. */
  readonly lists: { readonly [name: string]: readonly string[] }
  /** The switches that were given. */
  readonly switches: ReadonlySet<string>
  readonly json: boolean
  /** The folder that paths are relative to. */
  readonly cwd: string
  readonly config: OpenConfig
  /** For an answer that is too long to be kept: writes a part of it to standard output, and resolves when there is room for more. */
  readonly write: Write
}

/** Rejects if nobody reads any more. */
export type Write = (text: string) => Promise<void>

/** How a command ended: the same for scripts and for people. */
export interface Answer {
  readonly code: ExitCode
  readonly json: unknown
  /** Empty where everything has been written already. */
  readonly text: string
  /** For standard error: what a person should know of it, whatever reads the answer. */
  readonly notes?: string
}
