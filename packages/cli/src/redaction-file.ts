import { existsSync } from 'node:fs'
import type { Redaction } from '@workflow/core/export'
import { imported } from './config-file.ts'
import { inTime, openMsMax } from './in-time.ts'
import { UsageError } from './usage-error.ts'

const hooks: readonly string[] = ['run', 'object', 'entry']

/** The hooks that a module exports. One that is misspelt would hide nothing, so every export must be a hook. */
export async function loadRedaction(path: string): Promise<Redaction> {
  if (!existsSync(path)) throw new UsageError(`there is no module at ${path}: --redact takes one that exports run, object or entry`)
  const exported = { ...(await inTime(imported(path), `loading ${path}`, openMsMax)) }
  const names = Object.keys(exported)
  const strange = names.find((name) => !hooks.includes(name))
  if (strange !== undefined)
    throw new UsageError(`${path} exports '${strange}', which is no hook: export run, object or entry, and nothing else`)
  if (names.length === 0) throw new UsageError(`${path} exports nothing: export run, object or entry`)
  // The cast holds because exportHistory checks that each is a function, and what it gives back.
  return exported as Redaction
}
