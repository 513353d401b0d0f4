/**
 * What of a run leaves the server. Everything that may hold data of users passes here: objects, metadata, errors and reasons,
 * in lists, runs, histories, explanations and analytics alike. A `redact` that fails hides; it never shows.
 */
import type { Logger } from '@workflow/core'
import { loggableError } from '@workflow/core/adapter'
import type { ObjectJson } from '../api/run-json.ts'
import type { Redact, Redactable, RedactedRun, ShownError } from './settings.ts'

export class Redaction {
  readonly #redact: Redact | undefined
  readonly #logger: Logger

  constructor(redact: Redact | undefined, logger: Logger) {
    this.#redact = redact
    this.#logger = logger
  }

  /** Whether anything is kept back: then texts that core has made of errors and reasons must not be shown either. */
  get active(): boolean {
    return this.#redact !== undefined
  }

  object(value: unknown, run: RedactedRun): ObjectJson {
    const shown = this.#shown({ kind: 'object', value }, run, () => true)
    return shown === undefined ? { kind: 'hidden' } : { kind: 'value', value: shown.value }
  }

  /** Why an object cannot be read: such messages quote it. */
  unreadable(message: string): ObjectJson {
    return { kind: 'unreadable', message: this.active ? 'it cannot be read; redact hides why' : message }
  }

  metadata(value: Readonly<Record<string, string>>, run: RedactedRun): Record<string, string> {
    const shown = this.#shown({ kind: 'metadata', value }, run, isTexts)
    // The cast holds because isTexts has looked.
    return { ...((shown?.value ?? {}) as Readonly<Record<string, string>>) }
  }

  /** Whether runs may be looked for by this metadata: not where it would be hidden, or the answer would tell what is. */
  mayAsk(metadata: Readonly<Record<string, string>>, workflowName: string): boolean {
    if (!this.active) return true
    const anyRun: RedactedRun = { workflowName, runId: '', foreignId: '', status: '', state: 'Running' }
    return this.shows(metadata, metadata, anyRun)
  }

  /** Whether these pairs are still among what is shown of a run's metadata. */
  shows(pairs: Readonly<Record<string, string>>, metadata: Readonly<Record<string, string>>, run: RedactedRun): boolean {
    if (!this.active) return true
    const shown = new Map(Object.entries(this.metadata(metadata, run)))
    return Object.entries(pairs).every(([key, value]) => shown.get(key) === value)
  }

  reason(value: string, run: RedactedRun): string {
    const shown = this.#shown({ kind: 'reason', value }, run, (it) => typeof it === 'string')
    return shown === undefined ? hidden : String(shown.value)
  }

  error(value: ShownError, run: RedactedRun): { name: string; message: string; code?: string; stack?: string } {
    const { name, message, code, stack } = value
    const piece = { name, message, ...(code === undefined ? undefined : { code }), ...(stack === undefined ? undefined : { stack }) }
    const shown = this.#shown({ kind: 'error', value: piece }, run, isError)
    if (shown === undefined) return { name: hidden, message: hidden }
    // The cast holds because isError has looked; other fields are left out.
    const it = shown.value as ShownError
    return {
      name: it.name,
      message: it.message,
      ...(it.code === undefined ? undefined : { code: it.code }),
      ...(it.stack === undefined ? undefined : { stack: it.stack }),
    }
  }

  #shown(piece: Redactable, run: RedactedRun, fits: (value: unknown) => boolean): { readonly value: unknown } | undefined {
    if (this.#redact === undefined) return { value: piece.value }
    try {
      const given = typeof piece.value === 'string' ? piece : { ...piece, value: structuredClone(piece.value) }
      // The cast holds because a clone has the same kind.
      const value = this.#redact(given as Redactable, run)
      if (value === undefined) return undefined
      if (fits(value)) return { value }
      this.#logger.error({ ...idsOf(run), kind: piece.kind }, 'redact has given back another kind of value: it is hidden')
    } catch (error) {
      this.#logger.error({ ...idsOf(run), kind: piece.kind, error: loggableError(error) }, 'redact has failed: the value is hidden')
    }
    return undefined
  }
}

const hidden = '(hidden)'

function idsOf({ workflowName, runId, foreignId }: RedactedRun): object {
  return { workflow: workflowName, runId, foreignId }
}

function isTexts(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'string')
}

function isError(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { name, message, code, stack } = value as { readonly [Key in keyof ShownError]: unknown }
  const text = (one: unknown): boolean => typeof one === 'string'
  return text(name) && text(message) && (code === undefined || text(code)) && (stack === undefined || text(stack))
}
