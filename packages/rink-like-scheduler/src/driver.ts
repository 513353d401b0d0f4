/** The handful of things that the scheduler asks of etcd. `gateway.ts` does them over etcd's JSON gateway; another client could. */

/** A key as etcd has it. Revisions are those of the whole store: they only grow, and no two writes share one. */
export interface Entry {
  readonly key: string
  readonly value: string
  readonly createRevision: bigint
  readonly modRevision: bigint
  /** The lease that it hangs on, undefined if none. */
  readonly leaseId: string | undefined
}

/** What must be true of a key for a transaction to do what it is there for. A revision of 0 means that there is no such key. */
export interface Condition {
  readonly key: string
  readonly target: 'create' | 'mod'
  readonly equals: bigint
}

/** One thing that a transaction does. */
export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: string; readonly leaseId?: string }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'get'; readonly key: string }
  /** The keys that begin with `prefix`. */
  | { readonly type: 'range'; readonly prefix: string }
  | { readonly type: 'nested'; readonly conditions: readonly Condition[]; readonly operations: readonly Operation[] }

export interface Transaction {
  readonly conditions: readonly Condition[]
  /** What is done if they are all true; else nothing is. */
  readonly operations: readonly Operation[]
}

/** What an operation has found; `succeeded` is for nested ones. */
export interface OperationResult {
  readonly entries: readonly Entry[]
  readonly succeeded: boolean
}

export interface TransactionResult {
  readonly succeeded: boolean
  /** Of the store after the transaction: the revision of everything that it has written. */
  readonly revision: bigint
  /** In the order of the operations that were done. */
  readonly results: readonly OperationResult[]
}

/** Everything under a prefix at one revision. */
export interface Snapshot {
  readonly revision: bigint
  readonly entries: readonly Entry[]
}

/** A change of a key: `entry` is undefined where it was deleted. */
export interface Change {
  readonly key: string
  readonly revision: bigint
  readonly entry: Entry | undefined
}

/** All changes of one or more revisions, in order; or that those asked for are compacted away. */
export type WatchBatch = { readonly changes: readonly Change[] } | { readonly compacted: true }

export interface EtcdDriver {
  /** A new lease, and how long etcd has really given it. */
  readonly grantLease: (ttlSeconds: number) => Promise<{ readonly leaseId: string; readonly ttlSeconds: number }>
  /** For how long the lease lives from now on, 0 if there is none; and the revision of the store. */
  readonly renewLease: (leaseId: string, timeoutMs: number) => Promise<{ readonly ttlSeconds: number; readonly revision: bigint }>
  /** Ends a lease, and deletes its keys. Fine where there is none. */
  readonly revokeLease: (leaseId: string) => Promise<void>
  /** Linearizable. */
  readonly transact: (transaction: Transaction) => Promise<TransactionResult>
  /** Linearizable. */
  readonly read: (prefix: string) => Promise<Snapshot>
  /** Whether keys below a prefix were written after a revision, or are not as many as `count`. Linearizable; answers with no keys. */
  readonly hasChanged: (prefix: string, after: bigint, count: number) => Promise<boolean>
  /** Changes from `from` on, until `signal` aborts, which ends it without an error. Throws when the connection is lost. */
  readonly watch: (prefix: string, from: bigint, signal: AbortSignal) => AsyncIterable<WatchBatch>
  /** Which cluster has answered, undefined before any has. */
  readonly clusterId: () => string | undefined
  /** Whether the store has been found to have gone back to an older state: then it needs a new domain. */
  readonly hasGoneBack: () => boolean
  /** Somebody else has found it out. */
  readonly noteGoneBack: () => void
  /** The store has a new domain. */
  readonly acceptGoneBack: () => void
  readonly close: () => void
}
