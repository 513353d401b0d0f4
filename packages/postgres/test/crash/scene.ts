/** Where misfortunes happen: a server of the test's own, and the workers that reach it through proxies. */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { LivingWorker } from '../../../testing/test/crash/crash-target.ts'
import type { FaultProxy } from '../faults/fault-proxy.ts'
import type { OwnServer } from '../faults/own-server.ts'

export interface Scene {
  readonly server: OwnServer
  /** One per place of a worker. */
  readonly proxies: readonly FaultProxy[]
  readonly alive: readonly LivingWorker[]
  readonly leaseMs: number
  readonly random: () => number
}

/** Something that happens, and is over when it resolves. */
export type Strike = (scene: Scene) => Promise<void>

export const schema = 'crash'
/** As which its connections are known to the server. */
export const applicationName = 'workflow'

const momentMsMax = 1_500

/** Some time passes. */
export async function aMoment(random: () => number): Promise<void> {
  await sleep(random() * momentMsMax)
}

/** The proxies that are struck: of one worker, or of all. */
export function struck({ proxies, random }: Scene): readonly FaultProxy[] {
  return random() < 0.5 ? proxies : [proxies[Math.floor(random() * proxies.length)]].filter((proxy) => proxy !== undefined)
}

/** Sessions of the workers, by process id of the server. */
export async function sessionsOf(client: pg.Client, condition = 'true'): Promise<readonly number[]> {
  const { rows } = await client.query<{ readonly pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND ${condition}`,
    [applicationName],
  )
  return rows.map(({ pid }) => pid)
}
