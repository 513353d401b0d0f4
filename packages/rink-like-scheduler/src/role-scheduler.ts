/** RoleScheduler on etcd: joins when the first role is asked for, and joins anew whenever a term of membership has ended. */
import {
  type AwaitRoleOptions,
  backOffMs,
  InvalidArgument,
  isWorkflowError,
  type RoleHolder,
  type RoleLease,
  type RoleScheduler,
  Stopped,
  WaitingRoles,
  Wakeup,
} from '@workflow/core/adapter'
import type { Entry, EtcdDriver } from './driver.ts'
import { memberOf, readRole, type RoleEntry } from './entries.ts'
import { FormerTerms } from './former-terms.ts'
import { Gateway } from './gateway.ts'
import { Holding } from './holding.ts'
import { Keys } from './keys.ts'
import { type RinkLikeOptions, type Settings, settingsOf } from './settings.ts'
import { Term } from './term.ts'
import { Watcher } from './watcher.ts'

/** In bytes of UTF-8. A hundred roles are taken at once, each named twice, and etcd takes 1.5 MiB. */
const roleMax = 4_096
/** `holders` asks for so many roles one by one, and reads them all when it is asked for more. */
const singlesMax = 100

/**
 * Roles spread over the processes that share an etcd and a prefix. Opens nothing before the first `awaitRole` or `holders`;
 * `close` gives everything back. Throws `Configuration` for options that cannot work.
 */
export function rinkLikeScheduler(options: RinkLikeOptions): RoleScheduler {
  const settings = settingsOf(options)
  return new RinkLikeScheduler(settings, new Gateway(settings))
}

class RinkLikeScheduler implements RoleScheduler {
  readonly instance: string
  readonly #settings: Settings
  readonly #driver: EtcdDriver
  readonly #keys: Keys
  readonly #waiting = new WaitingRoles({
    came: (role) => this.#holding?.wantsChanged(role),
    gone: () => this.#holding?.wantsChanged(undefined),
  })
  readonly #former = new FormerTerms()
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #term: Term | undefined
  #holding: Holding | undefined
  #closed: Promise<void> | undefined

  constructor(settings: Settings, driver: EtcdDriver) {
    this.instance = settings.instance
    this.#settings = settings
    this.#driver = driver
    this.#keys = new Keys(settings.prefix)
  }

  readonly awaitRole = async (role: string, { signal, generation }: AwaitRoleOptions): Promise<RoleLease> => {
    signal.throwIfAborted()
    if (role === '' || Buffer.byteLength(role) > roleMax || !role.isWellFormed() || !Number.isInteger(generation) || generation < 0)
      throw new InvalidArgument(
        `a role needs a name of up to ${roleMax} bytes, and a generation of 0 or more; got ${JSON.stringify(role)} and ${String(generation)}`,
      )
    this.#assertOpen()
    const lease = this.#waiting.wait(role, generation, signal)
    this.#running ??= this.#run()
    return lease
  }

  readonly holders = async (roles: readonly string[]): Promise<ReadonlyMap<string, RoleHolder>> => {
    this.#assertOpen()
    if (roles.length === 0) return new Map()
    const entries = await this.#atAnyEndpoint(() => (roles.length > singlesMax ? this.#readAll() : this.#readSome(roles)))
    return new Map(
      roles.flatMap((role): [string, RoleHolder][] => {
        const entry = entries.get(role)
        return entry === undefined ? [] : [[role, { instance: entry.name, since: new Date(entry.since) }]]
      }),
    )
  }

  readonly close = (): Promise<void> => {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const reason = stopped()
    this.#stop.abort(reason)
    this.#waiting.rejectAll(reason)
    // What is not said to etcd the lease says, when it runs out.
    await this.#holding?.close(reason)
    await this.#term?.leave(reason).catch(() => undefined)
    await this.#running
    this.#driver.close()
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw stopped()
  }

  /** From the first role that is waited for to the last. */
  async #run(): Promise<void> {
    const { clock, random, connectTimeoutMs, leaseSeconds } = this.#settings
    const watcher = new Watcher(this.#driver, this.#keys, this.#settings, {
      changed: () => {
        this.#term?.check()
        this.#holding?.viewChanged()
      },
      replaced: () => this.#term?.endReplaced(),
    })
    let [failures, since] = [0, clock.monotonic()]
    for (;;) {
      const joined = clock.monotonic()
      try {
        await this.#serve(watcher)
        // A term that was short is one that could not be kept: not at once again, where all others try the same.
        failures = clock.monotonic() - joined > leaseSeconds * 10_000 ? 0 : failures + 1
        since = clock.monotonic()
      } catch (error) {
        failures++
        // Trying again cannot help, or has not for long: whoever asked is told, and may ask again.
        if (isWorkflowError(error, 'Configuration') || clock.monotonic() - since >= connectTimeoutMs) this.#waiting.rejectAll(error)
      }
      if (this.#stop.signal.aborted || this.#waiting.size === 0) break
      const waitMs = backOffMs(failures, random, { firstMs: 50, maxMs: 1_000 })
      await new Wakeup().waitAtMost(this.#stop.signal, clock, waitMs).catch(() => undefined)
    }
    watcher.stop()
    // In the turn of the look that found nobody waiting: whoever comes next begins anew.
    this.#running = undefined
  }

  /** One term, to its end. Throws where it could not begin. */
  async #serve(watcher: Watcher): Promise<void> {
    await watcher.open()
    const { promise: over, resolve } = Promise.withResolvers<void>()
    const term = await Term.join({
      driver: this.#driver,
      watcher,
      keys: this.#keys,
      settings: this.#settings,
      former: this.#former,
      stop: this.#stop.signal,
      events: { renewed: () => this.#holding?.tend(), ended: (reason) => this.#holding?.lose(reason) },
    })
    this.#term = term
    this.#holding = new Holding(term, this.#driver, this.#keys, this.#settings, this.#waiting, this.#former)
    if (this.#stop.signal.aborted) await term.leave(stopped()).catch(() => undefined)
    term.signal.addEventListener('abort', () => resolve(), { once: true })
    if (term.signal.aborted) resolve()
    await over
    this.#former.add(term.id, term.domainName)
    this.#holding = undefined
    this.#term = undefined
  }

  /** Reads; where an endpoint does not answer, the next one's turn has come. */
  async #atAnyEndpoint<T>(read: () => Promise<T>): Promise<T> {
    for (let left = this.#settings.endpoints.length; ; left--) {
      try {
        return await read()
      } catch (error) {
        this.#assertOpen()
        if (left <= 1 || !isWorkflowError(error) || !error.retryable) throw error
      }
    }
  }

  /** Of the roles that somebody who lives holds. */
  async #readSome(roles: readonly string[]): Promise<ReadonlyMap<string, RoleEntry>> {
    const { results } = await this.#driver.transact({
      conditions: [],
      operations: [
        { type: 'range', prefix: this.#keys.members },
        ...roles.map((role) => ({ type: 'get', key: this.#keys.role(role) }) as const),
      ],
    })
    const [members, ...found] = results.map(({ entries }) => entries)
    return this.#held(found.flat(), members ?? [])
  }

  async #readAll(): Promise<ReadonlyMap<string, RoleEntry>> {
    const { entries } = await this.#driver.read(this.#keys.roles)
    const { entries: members } = await this.#driver.read(this.#keys.members)
    return this.#held(entries, members)
  }

  #held(entries: readonly Entry[], members: readonly Entry[]): ReadonlyMap<string, RoleEntry> {
    const living = new Set(members.flatMap((member) => memberOf(member.key, member)?.id ?? []))
    const held = new Map<string, RoleEntry>()
    for (const { key, value } of entries) {
      const entry = readRole(value)
      if (entry !== undefined && living.has(this.#keys.member(entry.id))) held.set(key.slice(this.#keys.roles.length), entry)
    }
    return held
  }
}

function stopped(): Stopped {
  return new Stopped('the role scheduler has been closed')
}
