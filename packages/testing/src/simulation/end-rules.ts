/** What must hold in the end, looked at in the store itself. */
import { isFinished, type Payload, type RecordStore } from '@workflow/core/adapter'
import type { Oracle, Violation } from './oracle.ts'
import type { RunModel } from './run-model.ts'

const pageMax = 1_000

/** The first promise that the store's contents break; undefined if none. */
export async function endFault(
  oracle: Oracle,
  store: RecordStore,
  secret: string | undefined,
  letters: readonly string[],
): Promise<Violation | undefined> {
  for (const letter of letters) {
    if (!oracle.letters.has(letter))
      return { invariant: 'events handled', message: `event '${letter}' of a foreign stream was never handled` }
  }
  const refusal = oracle.falseRefusal()
  if (refusal !== undefined) return { invariant: 'nothing unexpected', message: refusal }
  for (const run of oracle.runs.values()) {
    const fault = await runFault(oracle, store, run, secret)
    if (fault !== undefined) return fault
  }
  return undefined
}

async function runFault(oracle: Oracle, store: RecordStore, run: RunModel, secret: string | undefined): Promise<Violation | undefined> {
  const name = oracle.nameOf(run.runId)
  const record = await store.lookup(run.runId)
  if (record === undefined) return { invariant: 'no run lost', message: `${name} is not in the store` }
  if (record.version !== run.version || record.status !== run.status || record.runState !== run.runState)
    return { invariant: 'gapless versions', message: `${name} is stored as v${record.version}, ${record.runState} at ${record.status}` }
  const { items } = await store.history(run.runId, { objects: true, limit: pageMax })
  let status: string | undefined
  for (const [index, entry] of items.entries()) {
    if (entry.version !== index + 1)
      return { invariant: 'gapless versions', message: `${name}: its history goes on with version ${entry.version} after ${index}` }
    if (entry.from !== status)
      return {
        invariant: 'legal path',
        message: `${name}: version ${entry.version} comes from '${String(entry.from)}' after '${String(status)}'`,
      }
    status = entry.to
  }
  if (items.length !== run.version) return { invariant: 'gapless versions', message: `${name} has ${items.length} entries in its history` }
  const open = isFinished(run.runState) ? oracle.timers.open(run.runId).filter(({ key }) => key.kind === 'timeout') : []
  if (open.length > 0)
    return { invariant: 'timers of this stay', message: `${name} is finished and has the open timer '${open[0]?.key.name}'` }
  if (run.runState !== 'DataDeleted' || secret === undefined) return undefined
  const left = await leftOver(store, run, secret)
  return left === undefined
    ? undefined
    : { invariant: 'deleted data stays away', message: `${name}: its data was deleted, and ${left} still has some` }
}

/** Where a secret of a deleted run still stands. */
async function leftOver(store: RecordStore, run: RunModel, secret: string): Promise<string | undefined> {
  const record = await store.lookup(run.runId)
  if (record !== undefined && has(record.object, secret)) return 'its record'
  for (const note of record?.attempts ?? []) if (has(note.error, secret)) return `a note of ${note.process}`
  const { items } = await store.history(run.runId, { objects: true, limit: pageMax })
  for (const { version, object, reason, error } of items)
    if (has(object, secret) || has(reason, secret) || has(error, secret)) return `version ${version} of its history`
  for (const stream of run.inbox.keys()) {
    const inbox = await store.items(run.runId, stream, { limit: pageMax })
    for (const { id, body } of inbox.items) if (has(body, secret)) return `callback '${id}'`
  }
  const timers = await store.timers.list({ owner: run.runId }, { limit: pageMax })
  for (const { key, data } of timers.items) if (has(data, secret)) return `its timer '${key.name}'`
  return undefined
}

function has(payload: Payload | undefined, secret: string): boolean {
  return payload !== undefined && Buffer.from(payload.bytes).includes(secret)
}
