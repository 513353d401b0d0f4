/** How requests and answers are written in etcd's JSON: keys and values in base64, whole numbers as text, and what is 0 left out. */
import type { Change, Condition, Entry, Operation, OperationResult, Transaction, TransactionResult, WatchBatch } from './driver.ts'

export interface WireHeader {
  readonly cluster_id?: string
  readonly revision?: string
}

export interface WireEntry {
  readonly key: string
  readonly value?: string
  readonly create_revision?: string
  readonly mod_revision?: string
  readonly lease?: string
}

interface WireResponse {
  readonly response_range?: { readonly kvs?: readonly WireEntry[] }
  readonly response_txn?: WireTransactionResult
}

export interface WireTransactionResult {
  readonly header?: WireHeader
  readonly succeeded?: boolean
  readonly responses?: readonly WireResponse[]
}

export interface WireWatch {
  readonly result?: {
    readonly canceled?: boolean
    readonly cancel_reason?: string
    readonly compact_revision?: string
    readonly events?: readonly { readonly type?: string; readonly kv: WireEntry }[]
  }
  readonly error?: { readonly code?: number; readonly grpc_code?: number; readonly message?: string }
}

export function encoded(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** The keys that begin with `prefix`, which ends with `/`: up to the same with the next character in its place. */
export function rangeOf(prefix: string): { readonly key: string; readonly range_end: string } {
  return { key: encoded(prefix), range_end: encoded(`${prefix.slice(0, -1)}0`) }
}

export function writeTransaction({ conditions, operations }: Transaction): object {
  return { compare: conditions.map(writeCondition), success: operations.map(writeOperation) }
}

function writeCondition({ key, target, equals }: Condition): object {
  return { key: encoded(key), result: 'EQUAL', target: target.toUpperCase(), [`${target}_revision`]: String(equals) }
}

function writeOperation(operation: Operation): object {
  switch (operation.type) {
    case 'put': {
      const { key, value, leaseId } = operation
      return { request_put: { key: encoded(key), value: encoded(value), ...(leaseId === undefined ? {} : { lease: leaseId }) } }
    }
    case 'delete':
      return { request_delete_range: { key: encoded(operation.key) } }
    case 'get':
      return { request_range: { key: encoded(operation.key) } }
    case 'range':
      return { request_range: rangeOf(operation.prefix) }
    case 'nested':
      return { request_txn: writeTransaction(operation) }
  }
}

export function readTransaction(answer: WireTransactionResult): TransactionResult {
  return {
    succeeded: answer.succeeded === true,
    revision: revisionOf(answer.header),
    results: (answer.responses ?? []).map(
      ({ response_range, response_txn }): OperationResult => ({
        entries: (response_range?.kvs ?? []).map(readEntry),
        succeeded: response_txn?.succeeded === true,
      }),
    ),
  }
}

export function revisionOf(header: WireHeader | undefined): bigint {
  return BigInt(header?.revision ?? '0')
}

export function readEntry({ key, value = '', create_revision = '0', mod_revision = '0', lease = '0' }: WireEntry): Entry {
  return {
    key: decoded(key),
    // Of most changes nobody looks at more than the key.
    get value() {
      return decoded(value)
    },
    createRevision: BigInt(create_revision),
    modRevision: BigInt(mod_revision),
    leaseId: lease === '0' ? undefined : lease,
  }
}

/** Undefined for an answer that says nothing, like the first of every watch. Throws what a watch was ended with. */
export function readWatch({ result, error }: WireWatch): WatchBatch | undefined {
  if (error !== undefined) throw new Error(error.message ?? 'the watch was ended')
  if (result?.compact_revision !== undefined && result.compact_revision !== '0') return { compacted: true }
  if (result?.canceled === true) throw new Error(result.cancel_reason ?? 'the watch was ended')
  if (result?.events === undefined) return undefined
  return {
    changes: result.events.map(({ type, kv }): Change => {
      const entry = readEntry(kv)
      return { key: entry.key, revision: entry.modRevision, entry: type === 'DELETE' ? undefined : entry }
    }),
  }
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64').toString()
}
