import type { RoleLease, RoleScheduler } from '@workflow/core/adapter'
import type { CaseDefinition, CaseScope, NeedOf } from '../conformance-case.ts'
import type { Instance, RoleSchedulerBackend, RoleSchedulerCapabilities, Sizes } from '../harness.ts'
import { Opened } from '../opened.ts'
import { waitingOn, type Waiting } from '../waiting.ts'

/** What a case about a RoleScheduler works with. */
export interface RoleSchedulerScope extends CaseScope, Waiting {
  readonly backend: RoleSchedulerBackend
  readonly capabilities: RoleSchedulerCapabilities
  readonly sizes: Sizes
  readonly open: (name: string) => Promise<Instance<RoleScheduler>>
  readonly openScheduler: (name: string) => Promise<RoleScheduler>
  /** Waits for a role for as long as the case runs. Its rejection at the end of the case is nobody's concern. */
  readonly ask: (
    scheduler: RoleScheduler,
    role: string,
    options?: { readonly generation?: number; readonly signal?: AbortSignal },
  ) => Promise<RoleLease>
  /** Waits until the role is given. */
  readonly take: (scheduler: RoleScheduler, role: string, generation?: number) => Promise<RoleLease>
}

export type RoleSchedulerCase = CaseDefinition<RoleSchedulerScope, NeedOf<RoleSchedulerCapabilities>>

export function newRoleSchedulerScope(backend: RoleSchedulerBackend, capabilities: RoleSchedulerCapabilities): RoleSchedulerScope {
  const opened = new Opened(backend.open)
  const waiting = waitingOn(backend.time)
  const never = new AbortController().signal
  const ask: RoleSchedulerScope['ask'] = (scheduler, role, { generation = 0, signal = never } = {}) => {
    const lease = scheduler.awaitRole(role, { generation, signal })
    lease.catch(() => undefined)
    return lease
  }
  return {
    ...waiting,
    backend,
    capabilities,
    sizes: capabilities.sizes ?? {},
    open: (name) => opened.instance(name),
    openScheduler: async (name) => (await opened.instance(name)).port,
    ask,
    take: (scheduler, role, generation = 0) =>
      waiting.within(ask(scheduler, role, { generation }), `awaitRole gives the free role ${role}`),
    end: () => waiting.within(opened.closeAll(), 'close comes to an end'),
  }
}
