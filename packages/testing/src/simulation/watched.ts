/** Stands around every handler: tells the oracle what it does, and does to it what the plan says goes wrong. */
import { NonRetryable, type HandlerFunction, type HandlerInfo, type Interceptor } from '@workflow/core'
import type { Fault } from './fault.ts'
import type { WatchedRun } from './handler-watch.ts'
import type { HookState } from './oracle.ts'
import type { SimProcess } from './sim-process.ts'

export interface WatchOptions {
  /** Which callback a payload belongs to; absent: cannot be told. */
  readonly keyOf?: (payload: unknown) => string
  /** After how many attempts the engine pauses a run, by its process as notes name it; absent: not known. */
  readonly attemptsMax?: (process: string) => number | undefined
}

export function watched(process: SimProcess, { keyOf }: WatchOptions): Interceptor {
  return (info, handler) => {
    if (info.kind === 'hook') return hook(process, handler)
    if (info.kind === 'connector') return connector(process, handler)
    return info.kind === 'timer' || info.kind === 'customDelete' ? handler : statusHandler(process, info, handler, keyOf)
  }
}

function statusHandler(process: SimProcess, info: HandlerInfo, handler: HandlerFunction, keyOf: WatchOptions['keyOf']): HandlerFunction {
  const name = processName(info)
  const { world } = process
  return async (...given) => {
    // The cast holds because the first argument of what a status has is its run.
    const run = given[0] as WatchedRun
    const key = info.kind === 'callback' ? keyOf?.(given[1]) : undefined
    const ended = world.oracle.handlers.start(process, name, run, key)
    try {
      const fault = world.faults.at('handler')
      if (fault !== undefined) await struck(process, fault, name, run)
      const returned = await handler(...given)
      world.oracle.handlers.decided(process, info.kind, run, returned)
      return returned
    } finally {
      ended()
    }
  }
}

async function struck(process: SimProcess, fault: Fault, name: string, run: WatchedRun): Promise<void> {
  process.world.trace(() => `${process.name}: '${name}' meets fault #${fault.id} (${fault.kind})`)
  if (fault.kind === 'handler hangs') await new Promise(() => undefined)
  if (fault.kind === 'handler late') await sleep(process, fault.ms)
  if (fault.kind === 'handler throws') throw new Error('simulated: the handler failed')
  if (fault.kind !== 'handler fails for good') return
  process.world.oracle.handlers.failedForGood(process, name, run)
  throw new NonRetryable('simulated: the handler failed for good')
}

function hook(process: SimProcess, handler: HandlerFunction): HandlerFunction {
  return async (...given) => {
    const fault = process.world.faults.at('handler')
    if (fault?.kind === 'handler throws') throw new Error('simulated: the hook failed')
    await handler(...given)
    const { state, runId, version } = given[0] as { readonly state: HookState; readonly runId: string; readonly version: number }
    process.world.oracle.hookDone(state, runId, version)
  }
}

function connector(process: SimProcess, handler: HandlerFunction): HandlerFunction {
  return async (...given) => {
    const fault = process.world.faults.at('handler')
    if (fault?.kind === 'handler throws') throw new Error('simulated: the connector failed')
    await handler(...given)
    process.world.oracle.letterHandled((given[0] as { readonly id: string }).id)
  }
}

/** As the engine calls it in notes. */
function processName({ kind, status = '', name }: HandlerInfo): string {
  return kind === 'timeout' ? `timeout ${escaped(status)}/${escaped(name ?? '')}` : `${kind} ${status}`
}

function escaped(name: string): string {
  return name.replaceAll('%', '%25').replaceAll('/', '%2F')
}

/** A moment of virtual time, in a process that may not live to see its end. */
export function sleep(process: Pick<SimProcess, 'plan'>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    process.plan(ms * 1_000, 'handler', resolve)
  })
}
