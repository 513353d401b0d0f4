import type { Command } from './command.ts'
import { exportLog } from './commands/export-log.ts'
import { graphCheck } from './commands/graph-check.ts'

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [graphCheck, exportLog]
