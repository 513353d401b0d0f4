/** Options of `webui`, checked and with defaults. */
import type { AnyWorkflow, RunState } from '@workflow/core'
import { checkedBoolean, type Clock, Configuration, consoleLogger, type Logger, systemClock } from '@workflow/core/adapter'
import type { Permission } from '../api/workflow-json.ts'

/** Who asks, and what they may do. */
export interface Actor {
  /** Kept in the history of what they change; 1 to 255 characters, none of them NUL. */
  readonly actor: string
  readonly permissions: readonly Permission[]
}

/** Of what `redact` is asked: everything in an answer that may hold data of users. */
export type Redactable =
  /** The run's object, now or as of a version. */
  | { readonly kind: 'object'; readonly value: unknown }
  | { readonly kind: 'metadata'; readonly value: Readonly<Record<string, string>> }
  /** Of a failed attempt, or why the engine has paused the run. */
  | { readonly kind: 'error'; readonly value: ShownError }
  /** Why somebody or a handler has moved the run. */
  | { readonly kind: 'reason'; readonly value: string }

/** An error as `redact` is given it, and gives it back. */
export interface ShownError {
  readonly name: string
  readonly message: string
  readonly code?: string | undefined
  readonly stack?: string | undefined
}

/** Whose piece it is. */
export interface RedactedRun {
  readonly workflowName: string
  readonly runId: string
  readonly foreignId: string
  readonly status: string
  readonly state: RunState
}

/**
 * Gives back what may be shown in place of `piece.value`, of the same kind; `undefined` hides it. What throws, or gives back
 * another kind of value, is hidden, with a line in the log. A copy is given, so it may be changed.
 */
export type Redact = (piece: Redactable, run: RedactedRun) => unknown

/** What a server allows at once. */
export interface WebUiLimits {
  /** Of a request's body, in bytes. @default 65536 */
  readonly bodyBytes?: number
  /** How long a body may take to arrive, in ms. @default 10000 */
  readonly bodyMs?: number
  /** Runs or entries per page. @default 500 */
  readonly page?: number
  /** Runs that a bulk action's preview lists. @default 1000 */
  readonly bulk?: number
  /** Event streams open at once. @default 200 */
  readonly streams?: number
  /** Finished runs that analytics look at. @default 200 */
  readonly sample?: number
}

/** Options of `webui`. */
export interface WebUiOptions {
  /** Clients or built workflows, in the order in which they are shown. They stay yours: `webui` closes none. */
  readonly workflows: readonly AnyWorkflow[]
  /**
   * Says who sends a request and what they may do; or answers it, with a redirect to a login, say. Asked for every request
   * to the API but those from other sites, before anything of a workflow is looked at. What gives no answer for 30 s fails.
   * Required, unless `unsafeNoAuth`.
   */
  readonly authorize?: (request: Request) => Actor | Response | Promise<Actor | Response>
  /**
   * Lets everybody who reaches the server do everything. It is reached as localhost, by an address, or by a name in `origins`: any
   * other name could be one that another site has made point here.
   * @default false
   */
  readonly unsafeNoAuth?: boolean
  /** Where it is mounted, like `'/workflows'`. @default '' */
  readonly basePath?: string
  /** Refuses whatever changes something, whoever asks. @default false */
  readonly readOnly?: boolean
  /**
   * Per workflow name, or for all of them. Without it everything is shown. Who looks for runs by metadata may do so only by what
   * it gives back unchanged: it is asked for that too, with a run whose ids are empty.
   * @default none
   */
  readonly redact?: Redact | Readonly<Record<string, Redact>>
  /** Sites that may send changes besides the one that the request names as its host, like `'https://admin.example.com'`: where a proxy hides that host. @default none */
  readonly origins?: readonly string[]
  readonly limits?: WebUiLimits
  /** Is told of what fails unexpectedly. @default consoleLogger() */
  readonly logger?: Logger
  /** For tests. @default systemClock */
  readonly clock?: Clock
}

/** `WebUiOptions`, checked and with defaults. */
export interface Settings {
  readonly workflows: ReadonlyMap<string, AnyWorkflow>
  readonly authorize: (request: Request) => Actor | Response | Promise<Actor | Response>
  /** Nobody is asked who they are. */
  readonly open: boolean
  readonly basePath: string
  readonly readOnly: boolean
  readonly redact: (workflowName: string) => Redact | undefined
  readonly origins: ReadonlySet<string>
  readonly limits: Required<WebUiLimits>
  readonly logger: Logger
  readonly clock: Clock
}

/** What `webui` can be told. */
export const optionNames = [
  'workflows',
  'authorize',
  'unsafeNoAuth',
  'basePath',
  'readOnly',
  'redact',
  'origins',
  'limits',
  'logger',
  'clock',
] as const
const limitsDefault: Required<WebUiLimits> = { bodyBytes: 65_536, bodyMs: 10_000, page: 500, bulk: 1_000, streams: 200, sample: 200 }
/** What core allows a page to have, and what each limit may not be above. */
const limitsMax: Required<WebUiLimits> = {
  bodyBytes: 16_777_216,
  bodyMs: 600_000,
  page: 1_000,
  bulk: 100_000,
  streams: 100_000,
  sample: 1_000,
}
const everybody: Actor = { actor: 'anonymous', permissions: ['view', 'act', 'delete'] }

/** Checks options. Throws `Configuration`. */
export function settingsOf(options: WebUiOptions): Settings {
  // From JavaScript anything may come.
  if (typeof options !== 'object' || options === null)
    throw new Configuration('webui takes an object of options: webui({ workflows, authorize })')
  unknownIn('webui', options, optionNames)
  return Object.freeze({
    workflows: workflowsOf(options.workflows),
    authorize: authorizeOf(options),
    open: options.unsafeNoAuth === true,
    basePath: basePathOf(options.basePath ?? ''),
    readOnly: checkedBoolean(options.readOnly ?? false, 'readOnly of webui'),
    redact: redactOf(options.redact),
    origins: originsOf(options.origins ?? []),
    limits: limitsOf(options.limits ?? {}),
    logger: options.logger ?? consoleLogger(),
    clock: options.clock ?? systemClock,
  })
}

/** Throws `Configuration` for a key that is not known. */
export function unknownIn(what: string, options: object, names: readonly string[]): void {
  for (const name of Object.keys(options))
    if (!names.includes(name)) throw new Configuration(`${what} has no option ${JSON.stringify(name)}; it knows ${names.join(', ')}`)
}

function workflowsOf(workflows: readonly AnyWorkflow[] | undefined): ReadonlyMap<string, AnyWorkflow> {
  if (!Array.isArray(workflows) || workflows.length === 0)
    throw new Configuration('webui needs workflows: webui({ workflows: [orders.client({ … })] }), with clients or built workflows')
  const byName = new Map<string, AnyWorkflow>()
  for (const workflow of workflows as readonly AnyWorkflow[]) {
    const name = workflow?.contract?.name
    if (typeof name !== 'string' || typeof workflow.list !== 'function')
      throw new Configuration(
        'the workflows of webui must be clients or built workflows: contract.client({ … }) or definition.build({ … })',
      )
    if (byName.has(name)) throw new Configuration(`webui was given two workflows named '${name}'`)
    byName.set(name, workflow)
  }
  return byName
}

function authorizeOf({ authorize, unsafeNoAuth = false }: WebUiOptions): Settings['authorize'] {
  checkedBoolean(unsafeNoAuth, 'unsafeNoAuth of webui')
  if (authorize !== undefined && unsafeNoAuth) throw new Configuration('webui was given both authorize and unsafeNoAuth: leave one out')
  if (typeof authorize === 'function') return authorize
  if (authorize === undefined && unsafeNoAuth) return () => everybody
  throw new Configuration(
    'webui needs authorize: (request) => ({ actor, permissions }) or a Response. Where everybody may do everything, say unsafeNoAuth: true',
  )
}

function basePathOf(path: string): string {
  const bare = typeof path === 'string' ? path.replace(/\/$/, '') : '-'
  if (/^(\/[\w.~-]+)*$/.test(bare) && !/\/\.{1,2}(\/|$)/.test(bare)) return bare
  throw new Configuration(`the basePath of webui must be a path like '/workflows'; got ${JSON.stringify(path)}`)
}

function redactOf(redact: WebUiOptions['redact']): Settings['redact'] {
  if (redact === undefined) return () => undefined
  if (typeof redact === 'function') return () => redact
  const byName = new Map(Object.entries(redact))
  for (const [name, one] of byName)
    if (typeof one !== 'function') throw new Configuration(`redact of webui for '${name}' must be a function of (piece, run)`)
  return (name) => byName.get(name)
}

function originsOf(origins: readonly string[]): ReadonlySet<string> {
  for (const origin of origins)
    if (!URL.canParse(origin) || new URL(origin).origin !== origin)
      throw new Configuration(`an origin of webui is like 'https://admin.example.com', without a path; got ${JSON.stringify(origin)}`)
  return new Set(origins)
}

function limitsOf(limits: WebUiLimits): Required<WebUiLimits> {
  unknownIn('limits of webui', limits, Object.keys(limitsDefault))
  for (const [name, limit] of Object.entries(limits)) {
    // The cast holds because unknown names have been refused.
    const max = limitsMax[name as keyof WebUiLimits]
    if (!Number.isSafeInteger(limit) || Number(limit) < 1 || Number(limit) > max)
      throw new Configuration(`the limit ${name} of webui must be a whole number from 1 to ${max}; got ${String(limit)}`)
  }
  return Object.freeze({ ...limitsDefault, ...limits })
}
