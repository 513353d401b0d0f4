/** Instances that work as an engine does: they ask for every role, and give one back when they are asked to. */
import type { RoleLease, RoleScheduler } from '@workflow/core/adapter'
import { checkThat } from '../check.ts'

export class Member {
  readonly scheduler: RoleScheduler
  readonly #generation: number
  readonly #stop = new AbortController()
  readonly #held = new Map<string, RoleLease>()
  readonly #crew: Crew
  /** How many leases it has taken. */
  taken = 0

  constructor(crew: Crew, scheduler: RoleScheduler, generation: number) {
    this.#crew = crew
    this.scheduler = scheduler
    this.#generation = generation
  }

  /** The roles that it holds now, with their tokens. */
  held(): ReadonlyMap<string, bigint> {
    return new Map([...this.#held].map(([role, { fence }]) => [role, fence.token]))
  }

  /** Asks for every role, again and again, until it leaves. */
  work(roles: readonly string[]): void {
    for (const role of roles) this.#workOn(role).catch(() => undefined)
  }

  /** Stops asking and gives back everything. */
  async leave(): Promise<void> {
    this.#stop.abort()
    for (const lease of [...this.#held.values()]) await this.#giveBack(lease)
  }

  async #workOn(role: string): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const lease = await this.scheduler.awaitRole(role, { signal: this.#stop.signal, generation: this.#generation })
      this.#crew.checkAlone(role, this)
      this.taken++
      this.#held.set(role, lease)
      await new Promise<void>((resolve) => {
        for (const signal of [lease.yield, lease.signal, this.#stop.signal]) {
          if (signal.aborted) resolve()
          else signal.addEventListener('abort', () => resolve(), { once: true })
        }
      })
      await this.#giveBack(lease)
    }
  }

  async #giveBack(lease: RoleLease): Promise<void> {
    this.#held.delete(lease.fence.role)
    await lease.release()
  }
}

export class Crew {
  readonly #roles: readonly string[]
  readonly members: Member[] = []
  #doubled: string | undefined

  constructor(roles: readonly string[]) {
    this.#roles = roles
  }

  join(scheduler: RoleScheduler, generation = 0): Member {
    const member = new Member(this, scheduler, generation)
    this.members.push(member)
    member.work(this.#roles)
    return member
  }

  async leave(member: Member): Promise<void> {
    this.members.splice(this.members.indexOf(member), 1)
    await member.leave()
  }

  /** Remembers when a role is given while somebody else holds it. */
  checkAlone(role: string, member: Member): void {
    if (this.members.some((other) => other !== member && other.held().has(role))) this.#doubled ??= role
  }

  /** How many roles each member holds, the least first. */
  counts(): readonly number[] {
    checkThat(this.#doubled === undefined, 'a role is given to nobody while somebody else holds it', `${this.#doubled} had two holders`)
    return this.members.map((member) => member.held().size).sort((a, b) => a - b)
  }

  /** Whether every role is held, and no member holds more than one more than another. */
  isEven(): boolean {
    const counts = this.counts()
    const all = counts.reduce((sum, count) => sum + count, 0)
    return all === this.#roles.length && (counts.at(-1) ?? 0) - (counts[0] ?? 0) <= 1
  }
}
