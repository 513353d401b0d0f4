/** What happens to servers, networks and workers, drawn from a seed. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Crew, Worker } from './crew.ts'
import type { Network, Shore } from './network.ts'
import type { Member, Servers } from './servers.ts'

export interface Scene {
  readonly servers: Servers
  readonly network: Network
  readonly crew: Crew
  readonly leaseMs: number
  readonly random: () => number
}

/** Whom it concerned: one worker's slots, or all. */
export type Concerned = Worker | 'all'

/** Resolves when it is over. */
export type Misfortune = (scene: Scene) => Promise<Concerned>

const momentMsMax = 2_500

/** What can happen in a scene, by name. */
export function misfortunesOf({ broker, kind, etcd }: Servers): ReadonlyMap<string, Misfortune> {
  const brokerName = kind === 'kafka' ? 'Kafka' : 'NATS'
  return new Map<string, Misfortune>([
    ['worker killed', (scene) => toWorker(scene, (worker) => scene.crew.kill(worker))],
    ['worker left in good order', (scene) => toWorker(scene, (worker) => scene.crew.leave(worker))],
    ['worker paused', pausedWorker],
    ...ofMembers(brokerName, broker, ({ servers }) => servers.broker),
    ...ofMembers('etcd', etcd, ({ servers }) => servers.etcd),
    ...ofNetwork(brokerName, 'broker'),
    ...ofNetwork('Postgres', 'postgres'),
    ...(etcd.length === 0 ? [] : ofNetwork('etcd', 'etcd')),
  ])
}

async function toWorker({ crew }: Scene, what: (worker: Worker) => Promise<void>): Promise<Concerned> {
  const worker = crew.any()
  if (worker === undefined) return 'all'
  await what(worker)
  return worker
}

/** As a machine that is suspended, or a process that collects garbage for too long. */
function pausedWorker(scene: Scene): Promise<Concerned> {
  const { leaseMs, random } = scene
  return toWorker(scene, async ({ pid }) => {
    process.kill(pid, 'SIGSTOP')
    await sleep(leaseMs * (0.5 + 1.5 * random()))
    process.kill(pid, 'SIGCONT')
  })
}

function ofMembers(
  name: string,
  members: readonly Member[],
  of: (scene: Scene) => readonly Member[],
): readonly (readonly [string, Misfortune])[] {
  if (members.length === 0) return []
  const one = members.length === 1 ? name : `one of ${members.length} of ${name}`
  const toOne =
    (what: (member: Member, scene: Scene) => Promise<void>): Misfortune =>
    async (scene) => {
      const all = of(scene)
      const member = all[Math.floor(scene.random() * all.length)]
      if (member !== undefined) await what(member, scene)
      return 'all'
    }
  const kinds: (readonly [string, Misfortune])[] = [
    [
      `${one} killed and started`,
      toOne(async ({ daemon }, scene) => {
        await daemon.kill()
        await aMoment(scene)
        await daemon.start()
      }),
    ],
    [
      `${one} restarted`,
      toOne(async ({ daemon }) => {
        await daemon.stop()
        await daemon.start()
      }),
    ],
    [
      `${one} paused`,
      toOne(async ({ daemon }, scene) => {
        await daemon.pause()
        await sleep(scene.leaseMs * (0.5 + 1.5 * scene.random()))
        daemon.resume()
      }),
    ],
  ]
  if (members.length > 1)
    kinds.push([
      `all of ${name} paused`,
      async (scene) => {
        await Promise.all(of(scene).map(({ daemon }) => daemon.pause()))
        await sleep(scene.leaseMs * (0.5 + 1.5 * scene.random()))
        for (const { daemon } of of(scene)) daemon.resume()
        return 'all'
      },
    ])
  return kinds
}

/** Of one worker, or of all. */
function ofNetwork(name: string, shore: Shore): readonly (readonly [string, Misfortune])[] {
  const struck = ({ crew, network, random }: Scene): { readonly whom: Concerned; readonly hit: ReturnType<Network['between']> } => {
    const worker = random() < 0.5 ? crew.any() : undefined
    return { whom: worker ?? 'all', hit: network.between(shore, worker?.place) }
  }
  return [
    [
      `connections to ${name} cut`,
      async (scene) => {
        const { whom, hit } = struck(scene)
        for (const proxy of hit) proxy.cut()
        return whom
      },
    ],
    [
      `${name} out of reach`,
      async (scene) => {
        const { whom, hit } = struck(scene)
        for (const proxy of hit) {
          proxy.refuses = true
          proxy.cut()
        }
        await aMoment(scene)
        for (const proxy of hit) proxy.refuses = false
        return whom
      },
    ],
    [
      `${name} silent`,
      async (scene) => {
        const { whom, hit } = struck(scene)
        const direction = scene.random() < 0.5 ? 'requests' : 'replies'
        // The connections that there are; whoever notices makes new ones.
        for (const proxy of hit) proxy.swallow(direction)
        return whom
      },
    ],
  ]
}

async function aMoment({ random }: Scene): Promise<void> {
  await sleep(random() * momentMsMax)
}
