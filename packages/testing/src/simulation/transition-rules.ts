/** What one change of a run may be, given what the run was: the laws that every history must obey, as pure functions. */
import { isFinished, isLegalMove, type Change, type RunState } from '@workflow/core/adapter'
import type { TransitionGraph } from '@workflow/core'
import type { RunModel } from './run-model.ts'

/** Where each kind of exit leads, by status. */
export type ExitTable = ReadonlyMap<string, { readonly [kind: string]: readonly string[] | undefined }>

export function exitTableOf(graph: TransitionGraph): ExitTable {
  const table = new Map<string, { [kind: string]: string[] | undefined }>(graph.nodes.map(({ status }) => [status, {}]))
  for (const { from, to, kind } of graph.transitions) {
    const exits = table.get(from)
    if (exits !== undefined) (exits[kind] ??= []).push(to)
  }
  return table
}

/** What is wrong with the creation of a run; undefined if nothing. */
export function creationFault(change: Change, exits: ExitTable): string | undefined {
  const { next, history, expect } = change
  if (expect !== 'absent') return `was created over version ${expect}`
  if (next.version !== 1 || history.version !== 1) return `was created as version ${next.version}`
  if (history.by !== 'trigger') return `was created by a ${history.by}`
  if (next.runState !== 'Initiated') return `was created as ${next.runState}`
  if (Object.keys(exits.get(next.status) ?? {}).length === 0) return `was created at '${next.status}', which nothing leaves`
  return next.entered.version === 1 ? undefined : `was created with a stay of version ${next.entered.version}`
}

/** What is wrong with a step of a run from what it was; undefined if nothing. */
export function transitionFault(run: RunModel, change: Change, exits: ExitTable): string | undefined {
  return versionFault(run, change) ?? statesFault(run, change) ?? pathFault(run, change, exits)
}

function versionFault(run: RunModel, { expect, next, history, event }: Change): string | undefined {
  if (expect !== run.version) return `was at version ${run.version}, and a unit that expected ${expect} was committed`
  if (next.version !== run.version + 1) return `went from version ${run.version} to ${next.version}`
  if (history.version !== next.version || event.version !== next.version)
    return `reached version ${next.version} with a history entry of ${history.version} and an event of ${event.version}`
  if (next.foreignId !== run.foreignId || next.workflowName !== run.workflowName) return 'changed its foreign id or workflow'
  return undefined
}

function statesFault(run: RunModel, { next, history, event }: Change): string | undefined {
  const { states } = history
  if (states.at(-1) !== next.runState) return `became ${next.runState}, and its history says ${states.join(', ')}`
  if (states.join() !== event.states.join()) return `has a history of ${states.join(', ')} and an event of ${event.states.join(', ')}`
  let from: RunState = run.runState
  for (const [index, to] of states.entries()) {
    if (from !== to && !isLegalMove(from, to)) return `went from ${from} to ${to}`
    if (from === to && index > 0) return `went from ${from} to ${to}`
    from = to
  }
  if (isFinished(next.runState) !== (next.finishedAt !== undefined)) return `is ${next.runState} with finishedAt ${String(next.finishedAt)}`
  if ((next.runState === 'Paused') !== (next.pause !== undefined)) return `is ${next.runState} with pause ${String(next.pause?.by)}`
  return undefined
}

/** Moves that a handler has decided. */
export const byGraph: ReadonlySet<string> = new Set(['step', 'callback', 'timeout', 'join'])

function pathFault(run: RunModel, { next, history }: Change, exits: ExitTable): string | undefined {
  const stays = next.status === run.status && next.entered.version === run.enteredVersion
  const { by } = history
  if (by === 'person' && next.entered.version === next.version) return handFault(run, next, exits)
  if (!byGraph.has(by)) {
    if (!stays || next.repeat !== run.repeat) return `was moved from '${run.status}' to '${next.status}' by ${by}`
    return controlFault(run, next.runState, by)
  }
  if (run.runState !== 'Initiated' && run.runState !== 'Running') return `was ${run.runState}, and a ${by} moved it to '${next.status}'`
  const outcome = next.runState === 'Paused' || next.runState === 'Cancelled'
  if (outcome || (stays && next.runState === 'Running'))
    return stays && (next.repeat === run.repeat || (next.repeat === run.repeat + 1 && by === 'step'))
      ? undefined
      : `stayed at '${run.status}' by a ${by}, and its stay or its repeat changed`
  const to = exits.get(run.status)?.[by]
  if (to?.includes(next.status) !== true) return `went from '${run.status}' to '${next.status}' by a ${by}, which the graph does not allow`
  if (next.entered.version !== next.version)
    return `entered '${next.status}' at version ${next.version} with a stay of ${next.entered.version}`
  const ends = Object.keys(exits.get(next.status) ?? {}).length === 0
  return ends === (next.runState === 'Completed') ? undefined : `is ${next.runState} at '${next.status}'`
}

/**
 * Somebody has moved it: out of a pause, or after a failure, to a status that there is, as a new stay. They may have looked before the
 * latest attempt: its version is what is compared.
 */
function handFault(run: RunModel, next: Change['next'], exits: ExitTable): string | undefined {
  if (run.runState !== 'Paused' && !(run.failed && !isFinished(run.runState)))
    return `was ${run.runState} without a failure, and was moved by hand`
  const to = exits.get(next.status)
  if (to === undefined || next.repeat !== 0) return `was moved by hand to '${next.status}' with repeat ${next.repeat}`
  return (Object.keys(to).length === 0) === (next.runState === 'Completed') ? undefined : `is ${next.runState} at '${next.status}'`
}

function controlFault(run: RunModel, to: RunState, by: string): string | undefined {
  if (by === 'person') return undefined
  if (by !== 'engine') return `was moved by ${by}`
  if (to === 'Running') return run.pause?.by === 'engine' ? undefined : `was paused by ${String(run.pause?.by)}, and the engine resumed it`
  return to === 'Paused' || to === 'DataDeleted' ? undefined : `became ${to} by the engine`
}
