/**
 * A worker: `node worker-process.ts <settings as JSON>`. It works until it is killed, until its parent ends, or until it is told on
 * standard input to leave; then it ends by itself, which shows that nothing of it stays alive.
 */
import type { Logger } from '@workflow/core'
import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parcelDefinition } from '../../packages/testing/test/crash/parcel-workflow.ts'
import { seededRandom } from '../../packages/testing/test/crash/seeded-random.ts'
import { patientRun } from './patient-run.ts'
import { openPorts } from './ports.ts'
import { loggedScheduler } from './role-log.ts'
import { type WorkerSettings, workerOptions } from './worker-settings.ts'

// Written by the crew.
const settings = JSON.parse(process.argv[2] ?? '{}') as WorkerSettings
const { addresses, instance, ledger, roles, log, seed } = settings

function say(level: string, fields: object, message: string): void {
  const { error, ...rest } = fields as { readonly error?: unknown }
  // Handlers fail now and then, as they are made to.
  if (error instanceof Error && error.message === 'the foreign system has answered too late') return
  const text = error === undefined ? '' : ` ${error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error)}`
  appendFileSync(log, `${new Date().toISOString()} ${instance} ${level} ${message} ${JSON.stringify(rest)}${text}\n`)
}

const logger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (fields, message) => say('warn', fields, message),
  error: (fields, message) => say('error', fields, message),
}
const ports = openPorts(addresses, instance, logger, (what) => say('info', {}, `leaving: closed its ${what}`))
const workflow = parcelDefinition(ledger, seededRandom(seed)).build({
  ...ports,
  roleScheduler: loggedScheduler(ports.roleScheduler, roles),
  logger,
  ...workerOptions,
})
/** Before whoever asked loses patience. */
const leavesLateMs = 20_000
let leaving: Promise<void> | undefined
const lines = createInterface({ input: process.stdin })
lines.on('line', () => void (leaving ??= leave()))
// A parent that was killed says nothing any more.
lines.on('close', () => {
  if (leaving === undefined) process.exit()
})

/** Says how far it has come, and what keeps it alive where that takes too long. */
async function leave(): Promise<void> {
  const watch = setTimeout(() => say('error', { resources: process.getActiveResourcesInfo() }, 'leaving takes long'), leavesLateMs)
  watch.unref()
  await workflow.stop({ timeout: '10s' })
  say('info', {}, 'leaving: stopped')
  await ports.close()
  lines.close()
  process.stdin.destroy()
}

await patientRun(workflow)
