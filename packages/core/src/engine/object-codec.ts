import { isWorkflowError, NotSerializable, ObjectTooLarge, Shredded, StoreCorrupt, StoreUnavailable, WorkflowError } from '../errors.ts'
import type { FailedAttempt, RecordedError } from '../explanation.ts'
import type { ContractModel } from '../model/definition.ts'
import type { Payload } from '../model/payload.ts'
import type { Codec, CodecContext, PayloadKind } from '../ports/codec.ts'
import { validated } from '../schema.ts'
import { readableError } from './readable-error.ts'

/** Whose value it is: enough of a run to name it. */
export interface ValueOwner {
  readonly foreignId: string
  readonly runId: string
}

/** Which attempt threw an error. */
export type AttemptMade = Omit<FailedAttempt, keyof RecordedError>

type StoredAttempt<T extends { readonly startedAt: Date }> = Omit<T, 'startedAt'> & { readonly startedAt: string }

/** An error as it is encoded. */
interface StoredError extends RecordedError {
  /** Absent in what was written before attempts were kept. */
  readonly made?: StoredAttempt<AttemptMade>
  readonly earlier?: readonly StoredAttempt<FailedAttempt>[]
}

/** So many failed attempts before the last are kept, their messages cut to this many characters. */
const earlierMax = 10
const earlierLengthMax = 1_024

/** Errors and reasons are cut to this many characters: a stack of a megabyte helps nobody. */
const textLengthMax = 8_192

/** The payload in place of what has been deleted. */
export const tombstone: Payload = { bytes: new Uint8Array(0), codec: 'tombstone', schema: 1 }

/** Ends the codec's name of what a custom scrubber has made, so that it is not scrubbed twice. */
export const scrubbedMark = '+scrubbed'

/** Turns a workflow's objects, payloads, errors and reasons into bytes and back, with every check on the way. */
export class ObjectCodec {
  readonly #contract: ContractModel
  readonly #codec: Codec
  readonly #bytesMax: number

  constructor(contract: ContractModel, codec: Codec, bytesMax: number) {
    this.#contract = contract
    this.#codec = codec
    this.#bytesMax = bytesMax
  }

  /** The same codec and limits, for another contract. */
  of(contract: ContractModel): ObjectCodec {
    return new ObjectCodec(contract, this.#codec, this.#bytesMax)
  }

  /** Throws `NotSerializable` or `ObjectTooLarge`, naming workflow and run. */
  encode(value: unknown, owner: ValueOwner, kind: PayloadKind = 'object'): Payload | Promise<Payload> {
    try {
      if (kind === 'object' && this.#contract.objectUnchecked) refuseDates(value, '')
      const payload = this.#codec.encode(value, this.#contract.schemaVersion, this.#context(owner, kind))
      return payload instanceof Promise
        ? payload.then(
            (done) => this.#sized(done, owner, kind),
            (error: unknown) => {
              throw this.#unencodable(error, owner, kind)
            },
          )
        : this.#sized(payload, owner, kind)
    } catch (error) {
      throw this.#unencodable(error, owner, kind)
    }
  }

  /** Checked by the schema, after `upcast` where older code wrote it. Throws `StoreCorrupt`, `Shredded` or `Validation`. */
  decodeObject(payload: Payload, owner: ValueOwner): unknown {
    const decoded = this.decode(payload, owner, 'object')
    return decoded instanceof Promise ? decoded.then((value) => this.#load(value, payload, owner)) : this.#load(decoded, payload, owner)
  }

  /** As it was stored, in today's shape, but not yet through the schema: what a trigger takes. */
  async decodeInput(payload: Payload, owner: ValueOwner): Promise<unknown> {
    const value = await this.decode(payload, owner, 'object')
    if (value instanceof Shredded) throw value
    return this.#upcast(value, payload)
  }

  /** As the codec gives it back, unchecked. */
  decode(payload: Payload, owner: ValueOwner, kind: PayloadKind): unknown {
    if (payload.codec === tombstone.codec) return undefined
    const stored = payload.codec.endsWith(scrubbedMark) ? { ...payload, codec: payload.codec.slice(0, -scrubbedMark.length) } : payload
    try {
      const value = this.#codec.decode(stored, this.#context(owner, kind))
      return value instanceof Promise
        ? value.catch((error: unknown) => {
            throw this.#named(error, owner, kind)
          })
        : value
    } catch (error) {
      throw this.#named(error, owner, kind)
    }
  }

  /** Why somebody moved a run, cut to a length that a log can bear. */
  encodeReason(text: string, owner: ValueOwner): Promise<Payload> {
    return this.#encodeAside(cut(text), owner, 'reason')
  }

  async decodeReason(payload: Payload | undefined, owner: ValueOwner): Promise<string> {
    if (payload === undefined) return ''
    if (payload.codec === tombstone.codec) return deleted
    const value = await this.decode(payload, owner, 'reason')
    return value instanceof Shredded ? deleted : String(value)
  }

  /** Whatever was thrown, errors or not, as text that can be kept; with the attempt that threw it, and those that failed before. */
  async encodeError(error: unknown, owner: ValueOwner, made: AttemptMade, earlier: readonly FailedAttempt[]): Promise<Payload> {
    const { startedAt, ...rest } = made
    const last: StoredError = { ...recordedOf(error), made: { ...rest, startedAt: startedAt.toISOString() } }
    if (earlier.length > 0) {
      const all = await this.#encodeAside({ ...last, earlier: earlier.slice(-earlierMax).map(shortened) }, owner, 'error')
      // Where there is no room for all of them, the last one counts most.
      if (all !== tombstone) return all
    }
    return await this.#encodeAside(last, owner, 'error')
  }

  async decodeError(payload: Payload | undefined, owner: ValueOwner): Promise<RecordedError | undefined> {
    if (payload === undefined) return undefined
    if (payload.codec === tombstone.codec) return { name: deleted, message: deleted }
    const value = await this.decode(payload, owner, 'error')
    if (value instanceof Shredded) return { name: deleted, message: deleted }
    // The cast holds because encodeError is the only writer of this kind.
    const { made: _made, earlier: _earlier, ...error } = value as StoredError
    return error
  }

  /** The attempts that an error tells of, oldest first; none where its data was deleted, or it was kept without them. */
  async decodeFailures(payload: Payload | undefined, owner: ValueOwner): Promise<readonly FailedAttempt[]> {
    const value = payload === undefined ? undefined : await this.decode(payload, owner, 'error')
    if (value === undefined || value instanceof Shredded) return []
    const { made, earlier = [], ...error } = value as StoredError
    if (made === undefined) return []
    return [...earlier, { ...error, ...made }].map((each) => ({ ...each, startedAt: new Date(each.startedAt) }))
  }

  #load(value: unknown, payload: Payload, owner: ValueOwner): unknown {
    if (value instanceof Shredded) throw value
    const old = this.#upcast(value, payload)
    if (this.#contract.objectUnchecked) return old
    return validated(
      this.#contract.object,
      old,
      () =>
        `the stored object of run ${owner.runId} of workflow '${this.#contract.name}' (written by schema version ${payload.schema}, read by ${this.#contract.schemaVersion})`,
    )
  }

  /** What explains a move must never stand in its way: where it cannot be encoded, its place stays empty. */
  async #encodeAside(value: unknown, owner: ValueOwner, kind: 'error' | 'reason'): Promise<Payload> {
    try {
      return await this.encode(value, owner, kind)
    } catch (error) {
      if (isWorkflowError(error) && error.retryable) throw error
      return tombstone
    }
  }

  #upcast(value: unknown, payload: Payload): unknown {
    return payload.schema < this.#contract.schemaVersion && this.#contract.upcast !== undefined
      ? this.#contract.upcast(value, payload.schema)
      : value
  }

  #sized(payload: Payload, owner: ValueOwner, kind: PayloadKind): Payload {
    if (payload.bytes.byteLength > this.#bytesMax) {
      throw new ObjectTooLarge(
        `the ${kind} of run ${owner.runId} ('${owner.foreignId}') of workflow '${this.#contract.name}' takes ${payload.bytes.byteLength} bytes, and maxObjectBytes is ${this.#bytesMax}: keep large data elsewhere and store its address`,
      )
    }
    return payload
  }

  #context(owner: ValueOwner, kind: PayloadKind): CodecContext {
    return { workflowName: this.#contract.name, foreignId: owner.foreignId, runId: owner.runId, kind }
  }

  /** A getter or a `toJSON` that throws, say. Nothing is stored yet, so nothing is corrupt. */
  #unencodable(error: unknown, owner: ValueOwner, kind: PayloadKind): unknown {
    if (isWorkflowError(error)) return this.#named(error, owner, kind)
    const shown = readableError(error)
    return this.#named(
      new NotSerializable(`encoding it throws: ${shown instanceof Error ? shown.message : String(shown)}`, { cause: shown }),
      owner,
      kind,
    )
  }

  #named(error: unknown, owner: ValueOwner, kind: PayloadKind): unknown {
    const where = `the ${kind} of run ${owner.runId} ('${owner.foreignId}') of workflow '${this.#contract.name}'`
    if (error instanceof NotSerializable && error.details['runId'] === undefined) {
      return new NotSerializable(`${where} cannot be stored: ${error.message}`, { cause: error.cause, details: { runId: owner.runId } })
    }
    if (error instanceof WorkflowError && !(error instanceof StoreCorrupt)) return error
    if (error instanceof StoreCorrupt)
      return new StoreCorrupt(`${where} cannot be decoded: ${error.message}`, { cause: error, details: { runId: owner.runId } })
    // A codec says StoreCorrupt where bytes make no sense: anything else is its key service, or the like, being away.
    return new StoreUnavailable(`${where} could not be decoded: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
      details: { runId: owner.runId },
    })
  }
}

const deleted = '(deleted)'

/** Of those before the last nobody needs the whole. */
function shortened({ stack: _stack, startedAt, ...rest }: FailedAttempt): StoredAttempt<FailedAttempt> {
  return { ...rest, message: cut(rest.message, earlierLengthMax), startedAt: startedAt.toISOString() }
}

function recordedOf(error: unknown): RecordedError {
  if (!(error instanceof Error)) return { name: 'not an Error', message: cut(textOf(error)) }
  return {
    name: cut(String(error.name)),
    message: cut(String(error.message)),
    ...('code' in error && error.code !== undefined ? { code: cut(String(error.code)) } : undefined),
    ...(typeof error.stack === 'string' ? { stack: cut(error.stack) } : undefined),
  }
}

function cut(text: string, lengthMax: number = textLengthMax): string {
  // Well-formed: a cut through a surrogate pair, or a stray one in a message, must not make the error itself unstorable.
  const short = text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text
  return short.toWellFormed().replaceAll('\0', '\uFFFD')
}

function textOf(value: unknown): string {
  try {
    return typeof value === 'object' ? (JSON.stringify(value) ?? String(value)) : String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}

/** Without a schema nothing turns a stored date back into a Date. */
function refuseDates(value: unknown, path: string, depth = 0): void {
  if (typeof value !== 'object' || value === null || depth > 200) return
  if (value instanceof Date)
    throw new NotSerializable(
      `${path === '' ? 'the value' : `'${path}'`} is a Date, which would come back as a string: store its ISO text, or give the contract a schema that coerces dates`,
    )
  if (Array.isArray(value)) return value.forEach((item, i) => refuseDates(item, `${path}[${i}]`, depth + 1))
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return
  for (const key in value) refuseDates((value as Readonly<Record<string, unknown>>)[key], path === '' ? key : `${path}.${key}`, depth + 1)
}
