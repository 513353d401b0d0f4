/** `pnpm crash:postgres --cycles 1000 [--seed n] [--lease 3s] [--life ms] [--runs n] [--keep]`: the crash test at length. */
import { crashCommand } from '../../testing/test/crash/crash-command.ts'
import { postgresTarget } from './crash/postgres-target.ts'

await crashCommand((_folder, lease) => postgresTarget(lease))
