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

/** An option with a value. */
export interface CommandOption {
  /** What stands for the value in the help: `'<n>'`. */
  readonly value: string
  readonly summary: string
}

/** What a command is given. */
export interface CommandInput {
  readonly operands: readonly string[]
  readonly options: { readonly [name: string]: string | undefined }
  readonly config: OpenConfig
}

/** How a command ended: the same for scripts and for people. */
export interface Answer {
  readonly code: ExitCode
  readonly json: unknown
  readonly text: string
}
