/**
 * Bytes that the codec made and only the codec reads. Stores, streams and the engine's hand-off carry them as they
 * are, so that encryption, compression and data deletion need no adapter's help.
 */
export interface Payload {
  /** The encoded value. Adapters store and return exactly these bytes; they never keep a reference that a caller may change. */
  readonly bytes: Uint8Array
  /** Which codec made the bytes, e.g. `'json'`. */
  readonly codec: string
  /** Version of the object's schema when the bytes were made; `upcast` reads it. Integer, 1 or more. */
  readonly schema: number
  /** Whose key encrypts the bytes, when the codec encrypts. */
  readonly subject?: string
}
