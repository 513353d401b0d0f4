import type { Payload } from '../model/payload.ts'

/** Which part of a run a payload is. */
export type PayloadKind = 'object' | 'item' | 'error' | 'reason' | 'timer'

/** Whose payload it is. A codec that encrypts authenticates all of it. */
export interface CodecContext {
  readonly workflowName: string
  readonly foreignId: string
  readonly runId: string
  readonly kind: PayloadKind
}

/** Turns values into bytes and back. Called before anything is batched, outside every transaction. */
export interface Codec {
  /** Throws `NotSerializable` for a value that `decode` could not give back. `schema` is the version to note in the payload. */
  readonly encode: (value: unknown, schema: number, context: CodecContext) => Payload | Promise<Payload>
  /** May be a promise. A forgotten key gives an instance of `Shredded`; bytes that make no sense throw `StoreCorrupt`. */
  readonly decode: (payload: Payload, context: CodecContext) => unknown
  /** Forgets the key of a subject: what it encrypted is unreadable from then on. Idempotent. */
  readonly forget?: (subject: string) => Promise<void>
}
