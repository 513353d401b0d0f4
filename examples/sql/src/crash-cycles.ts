/** Kills workers at random moments while they move money, again and again, and audits what is left. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isWorkflowError, type RecordStore, type WorkflowClient } from '@workflow/core'
import { postgres } from '@workflow/postgres'
import pg from 'pg'
import { type Audit, audit } from './audit.ts'
import { openBank } from './bank.ts'
import { CrashCrew } from './crash-crew.ts'
import { transfers } from './transfers.contract.ts'
import type { Way } from './ways.ts'

export interface CrashOptions {
  /** An empty database. */
  readonly url: string
  readonly way: Way
  /** What is killed when, and which transfers there are, follows from it. */
  readonly seed: number
  readonly cycles: number
  /** Transfers that each cycle starts. */
  readonly transfersPerCycle: number
  /** Up to how long after the start of its transfers a cycle's kill comes. */
  readonly lifeMsMax: number
  /** An existing, empty folder for what workers leave behind. */
  readonly folder: string
  /** Called after each cycle. */
  readonly progress?: (text: string) => void
}

export interface CrashResult extends Audit {
  readonly transfers: number
  readonly kills: number
  /** Calls of a handler beyond the first in one stay: what kills have cost. */
  readonly repeatedCalls: number
}

type Client = WorkflowClient<typeof transfers>

const accounts = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`account-${n}`, 1_000_000]))
/** Work that makes no progress for so long makes none any more. */
const stalledMs = 30_000
const lookEveryMs = 50

export async function crashCycles(options: CrashOptions): Promise<CrashResult> {
  const { url, way, seed, cycles, folder, lifeMsMax, progress } = options
  const callsFile = join(folder, 'calls')
  const random = seededRandom(seed)
  await using resources = new AsyncDisposableStack()
  const pool = resources.adopt(new pg.Pool({ connectionString: url, max: 8 }), (open) => open.end())
  await openBank(pool, accounts)
  const infrastructure = resources.use(postgres({ pool }))
  const client = resources.adopt(transfers.client(infrastructure), (open) => open.close())
  const left = (): Promise<number> => unfinished(infrastructure.recordStore, client)
  const crew = resources.use(new CrashCrew([url, way, callsFile], join(folder, 'cache')))
  const triggered: string[] = []
  // Workers that end by themselves are a fault already: there is no use in going on.
  for (let cycle = 1; cycle <= cycles && crew.faults.length === 0; cycle++) {
    await crew.fillUp()
    const burst = trigger(client, random, options.transfersPerCycle, `${cycle}`)
    await sleep(random() * lifeMsMax)
    await crew.kill(random() < 0.5 ? 'all' : 'oldest')
    triggered.push(...(await burst))
    progress?.(`cycle ${cycle} of ${cycles}: ${crew.kills} kills, ${triggered.length} transfers, ${await left()} unfinished`)
  }
  await crew.fillUp()
  await drained(left)
  // What is still at work after a stall must not go on while it is audited.
  const faults = [...crew.faults]
  await crew.kill('all')
  const found = await audit(pool, client)
  const ended = [...found.ends.values()].reduce((sum, count) => sum + count, 0)
  if (ended !== triggered.length) faults.push(`${triggered.length} transfers were started, and ${ended} are stored`)
  return {
    ...found,
    faults: [...faults, ...found.faults],
    transfers: triggered.length,
    kills: crew.kills - 2,
    repeatedCalls: repeated(callsFile),
  }
}

/** Some need an approval, and half of those get one; some ask for more than there is. */
async function trigger(client: Client, random: () => number, count: number, name: string): Promise<readonly string[]> {
  const any = (): string => `account-${Math.floor(random() * 10)}`
  const items = Array.from({ length: count }, (_, n) => {
    const cents = 1 + Math.floor(random() ** 4 * 400_000)
    return { foreignId: `transfer-${name}-${n}`, initialValue: { from: any(), to: any(), cents } }
  })
  const runIds: string[] = []
  for (const { foreignId, runId, error } of await client.triggerMany(items)) {
    if (runId === undefined) throw error
    runIds.push(runId)
    if (foreignId.endsWith('5'))
      await client.callback({ runId }, 'awaiting-approval', { by: 'the test' }, { queue: true, key: runId }).catch(ignoreLate)
  }
  return runIds
}

/** Approving a transfer that needs no approval, or was declined. */
function ignoreLate(error: unknown): void {
  if (!isWorkflowError(error, 'RunNotWaiting')) throw error
}

/** How many transfers have not ended. The paused ones are resumed. */
async function unfinished(store: RecordStore, client: Client): Promise<number> {
  const states = await store.count({ workflowName: transfers.name }, 'runState')
  const paused = states.get('Paused') ?? 0
  if (paused > 0) for (const { runId } of (await client.list({ state: 'Paused' })).items) await resume(client, runId)
  return (states.get('Initiated') ?? 0) + (states.get('Running') ?? 0) + paused
}

/** A transfer that was in hand each time that its process died is suspected of killing it, and pauses for a person: us. */
async function resume(client: Client, runId: string): Promise<void> {
  await client.resume(runId, { reason: 'it was us who killed the process', actor: 'the test' }).catch((error: unknown) => {
    if (!isWorkflowError(error, 'IllegalMove')) throw error
  })
}

/** Until every transfer has ended, or nothing happens any more. */
async function drained(unfinishedNow: () => Promise<number>): Promise<void> {
  let least = Infinity
  let since = performance.now()
  while (least > 0 && performance.now() - since < stalledMs) {
    const left = await unfinishedNow()
    if (left < least) [least, since] = [left, performance.now()]
    else await sleep(lookEveryMs)
  }
}

function repeated(callsFile: string): number {
  if (!existsSync(callsFile)) return 0
  const calls = readFileSync(callsFile, 'utf8').trimEnd().split('\n')
  return calls.length - new Set(calls).size
}

/** The same numbers for the same seed, from 0 to below 1. Source: mulberry32 by Tommy Ettinger, public domain. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
