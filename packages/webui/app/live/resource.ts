/**
 * Something of the server that is shown: its value, what went wrong, and ways to ask again. What was shown stays while the server
 * is away; it is asked again, less and less often, until it answers.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import { ApiFault } from '../data/api-client.ts'

export interface Resource<T> {
  readonly value: ReadonlySignal<T | undefined>
  readonly fault: ReadonlySignal<ApiFault | undefined>
  readonly loading: ReadonlySignal<boolean>
  /** Asks again: soon, and once however often this is called meanwhile. */
  readonly refresh: () => void
  /** Asks again now; resolves with the answer, or once it is known that there is none. */
  readonly reload: () => Promise<void>
  readonly dispose: () => void
}

export interface ResourceOptions {
  readonly setTimer: (ms: number, run: () => void) => () => void
}

/** Between two answers at least so long: a thousand changes a second are one question a second. */
export const gapMs = 1_000
export const retryFirstMs = 1_000
export const retryMaxMs = 15_000

export function resource<T>(load: (signal: AbortSignal) => Promise<T>, { setTimer }: ResourceOptions): Resource<T> {
  const value = signal<T | undefined>(undefined)
  const fault = signal<ApiFault | undefined>(undefined)
  const loading = signal(false)
  let failures = 0
  let controller: AbortController | undefined
  let cancelTimer: (() => void) | undefined
  let wanted = false
  let over = false

  const later = (ms: number): void => {
    cancelTimer?.()
    cancelTimer = setTimer(ms, () => {
      cancelTimer = undefined
      void reload()
    })
  }
  const reload = async (): Promise<void> => {
    if (over) return
    cancelTimer?.()
    cancelTimer = undefined
    controller?.abort()
    const own = new AbortController()
    controller = own
    wanted = false
    loading.value = true
    const outcome = await settled(load(own.signal))
    // Somebody has asked again meanwhile, or left the page.
    if (controller !== own) return
    controller = undefined
    loading.value = false
    if (outcome.ok) {
      failures = 0
      value.value = outcome.value
      fault.value = undefined
      if (wanted) later(gapMs)
      return
    }
    fault.value = outcome.fault
    if (outcome.fault.passing) later(Math.min(retryMaxMs, retryFirstMs * 2 ** failures++))
  }
  const refresh = (): void => {
    if (controller !== undefined) wanted = true
    else if (cancelTimer === undefined && !over) later(gapMs)
  }
  const dispose = (): void => {
    over = true
    cancelTimer?.()
    controller?.abort()
    controller = undefined
  }
  return { value, fault, loading, refresh, reload, dispose }
}

type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: ApiFault }

async function settled<T>(loading: Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await loading }
  } catch (error) {
    const fault = error instanceof ApiFault ? error : new ApiFault('NotUnderstood', error instanceof Error ? error.message : 'unknown', 500)
    return { ok: false, fault }
  }
}
