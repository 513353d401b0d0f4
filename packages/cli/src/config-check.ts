/** Whether a config can work, before anything is opened. */
import type { CliConfig, CliWorkflow } from './config.ts'
import { UsageError } from './usage-error.ts'

const keys: readonly string[] = ['workflows', 'infrastructure']

/** The default export of a file as a config. Throws `UsageError` that names the file and the place. */
export function checkedConfig(value: unknown, path: string): CliConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`the default export of ${path} must be an object { workflows, infrastructure }; got ${kindOf(value)}`)
  const strange = Object.keys(value).filter((key) => !keys.includes(key))
  if (strange.length > 0) throw new UsageError(`${path}: a config has no '${strange[0]}': there are ${keys.join(' and ')}`)
  const { workflows, infrastructure } = value as { readonly workflows?: unknown; readonly infrastructure?: unknown }
  if (!Array.isArray(workflows) || workflows.length === 0)
    throw new UsageError(`${path}: workflows must list at least one contract or definition; got ${kindOf(workflows)}`)
  if (typeof infrastructure !== 'function')
    throw new UsageError(
      `${path}: infrastructure must be a function that opens it, like () => sqlite({ file: 'orders.db' }); got ${kindOf(infrastructure)}`,
    )
  const checked = workflows.map((entry: unknown, i) => checkedWorkflow(entry, `${path}: workflows[${i}]`))
  const names = checked.map(({ contract }) => contract.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new UsageError(`${path}: workflows has '${twice}' twice: list its definition, and not its contract`)
  // The cast holds as far as a run-time check can tell: what it gives is checked by the client that takes it.
  return { workflows: checked, infrastructure: infrastructure as CliConfig['infrastructure'] }
}

function checkedWorkflow(entry: unknown, where: string): CliWorkflow {
  const has = (name: string, type: string): boolean =>
    typeof entry === 'object' && entry !== null && typeof Reflect.get(entry, name) === type
  // The cast holds as far as a run-time check can tell: both members are there.
  if (has('contract', 'object') && has('client', 'function')) return entry as CliWorkflow
  if (has('contract', 'object') && has('stop', 'function'))
    throw new UsageError(`${where} is a built workflow: list the definition that build() was called on`)
  if (has('contract', 'object') && has('lookup', 'function'))
    throw new UsageError(`${where} is a client: list the contract or definition that client() was called on`)
  throw new UsageError(`${where} must be a contract made by workflow(…), or a definition made of one; got ${kindOf(entry)}`)
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'bigint') return `${value}n`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
