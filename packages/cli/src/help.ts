import type { Command } from './command.ts'
import { commands } from './command-list.ts'
import { textTable } from './text-table.ts'

const everywhere: readonly (readonly [string, string])[] = [
  ['--config <file>', 'the config (default: workflow.config.ts, .mts, .js or .mjs in this folder)'],
  ['--json', 'answer in JSON, for scripts; also when it fails'],
  ['--help', 'this text'],
]

/** How the command line is used. */
export function help(): string {
  return [
    'usage: workflow <command> [options]',
    '',
    ...columns(commands.map((command) => [command.words.join(' '), command.summary])),
    '',
    'Every command has --help. Exit codes: 0 as it should be, 1 something was found, 2 the command could not be carried out.',
  ].join('\n')
}

/** How one command is used. */
export function helpOf({ words, summary, operands, options }: Command): string {
  const own = Object.entries(options).map(
    ([name, option]) => [option.value === undefined ? `--${name}` : `--${name} ${option.value}`, option.summary] as const,
  )
  return [usageOf({ words, operands }), '', `  ${summary}`, '', ...columns([...own, ...everywhere])].join('\n')
}

/** The first line of that. */
export function usageOf({ words, operands }: Pick<Command, 'words' | 'operands'>): string {
  return `usage: workflow ${words.join(' ')} ${operands} [options]`
}

function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  return textTable(rows[0] ?? [], rows.slice(1)).map((line) => `  ${line}`)
}
