/** Finds and loads the config file. Every mistake in it is told with what to do about it. */
import { existsSync, statSync } from 'node:fs'
import { extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { CliConfig } from './config.ts'
import { checkedConfig } from './config-check.ts'
import { inTime } from './in-time.ts'
import { readable, stackOf } from './readable-error.ts'
import { UsageError } from './usage-error.ts'

const names = ['workflow.config.ts', 'workflow.config.mts', 'workflow.config.js', 'workflow.config.mjs'] as const
const example = 'export default defineConfig({ workflows: [orders], infrastructure: () => … })'

/** The checked config of a file, or of the first of the usual names in a folder. */
export async function loadConfig(cwd: string, given: string | undefined, msMax: number): Promise<CliConfig> {
  const path = given === undefined ? usual(cwd) : resolve(cwd, given)
  if (!existsSync(path)) throw new UsageError(`there is no config at ${path}`)
  if (!statSync(path).isFile()) throw new UsageError(`${path} is no file: --config takes a file like ${names[0]}`)
  const module = await inTime(imported(path), `loading ${path}`, msMax)
  if (!('default' in module)) throw new UsageError(`${path} has no default export: ${example}, with defineConfig of @workflow/cli`)
  return checkedConfig(unwrapped(module.default), path)
}

function usual(cwd: string): string {
  const found = names.map((name) => join(cwd, name)).find((path) => existsSync(path))
  if (found === undefined)
    throw new UsageError(`there is no config in ${cwd}: write a ${names[0]} with ${example}, or name one with --config`)
  return found
}

/** The exports of a module of the user's. Throws `UsageError` that says what to do about it. */
export async function imported(path: string): Promise<{ readonly default?: unknown }> {
  try {
    // What a module exports is anything; what is used of it is checked next.
    return (await import(pathToFileURL(path).href)) as { readonly default?: unknown }
  } catch (error) {
    const hint = hintOf(error, path)
    throw new UsageError(`${path} could not be loaded: ${hint ?? stackOf(error)}`, { cause: error })
  }
}

const loader = 'run the command with a loader, e.g. NODE_OPTIONS="--import tsx"'

/** What is known about errors of loading a module; undefined for those of its own code. */
function hintOf(error: unknown, path: string): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  const says = readable(error)
  switch (code) {
    case 'ERR_UNKNOWN_FILE_EXTENSION':
      return ['.ts', '.mts'].includes(extname(path)) && process.features.typescript === false
        ? `Node ${process.versions.node} does not run TypeScript: use Node 22.18 or newer, write it in JavaScript, or ${loader}`
        : says
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
      return `${says}. Node only strips types, so enums, namespaces and parameter properties are not for it: avoid them in what the config imports, or ${loader}`
    case 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING':
      return `${says}. A package has to be built first`
    case 'ERR_MODULE_NOT_FOUND':
      if (says.startsWith('Cannot find package')) return `${says}. Install it beside the config`
      return `${says}. Node takes import specifiers as they are: with their extension ('./orders.ts'), without path aliases; or ${loader}`
    default:
      return undefined
  }
}

/** What a compiler that writes CommonJS has made of a default export. */
function unwrapped(value: unknown): unknown {
  return typeof value === 'object' && value !== null && '__esModule' in value && 'default' in value ? value.default : value
}
