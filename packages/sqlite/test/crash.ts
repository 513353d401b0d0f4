/** `pnpm crash --cycles 200 [--seed n] [--lease 3s] [--life ms] [--runs n] [--keep]`: the crash test at length. */
import { join } from 'node:path'
import { crashCommand } from '../../testing/test/crash/crash-command.ts'
import { sqliteTarget } from './crash/sqlite-target.ts'

await crashCommand(async (folder, lease) => ({
  target: sqliteTarget(join(folder, 'crash.db'), lease),
  [Symbol.asyncDispose]: async () => undefined,
}))
