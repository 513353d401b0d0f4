/** Payloads in columns: bytes, and a text that says what they are. */
import { StoreCorrupt, type Payload } from '@workflow/core/adapter'

// Nearly every payload of a process has the same codec and schema: the last text is worth keeping.
let lastCodec = ''
let lastSchema = 0
let lastText = ''

/** The text that says what the bytes are: `json/1`, with the subject behind another slash. */
export function codecText({ codec, schema, subject }: Payload): string {
  if (subject === undefined) {
    if (codec !== lastCodec || schema !== lastSchema) {
      lastCodec = codec
      lastSchema = schema
      lastText = `${schema}/${codec.replaceAll('%', '%25').replaceAll('/', '%2F')}`
    }
    return lastText
  }
  return `${schema}/${codec.replaceAll('%', '%25').replaceAll('/', '%2F')}/${subject}`
}

/** The payload of two columns. A row that makes no sense throws `StoreCorrupt` naming `runId`. */
export function payloadOf(text: string, bytes: Uint8Array, runId: string): Payload {
  const match = /^(\d+)\/([^/]*)(?:\/(.*))?$/s.exec(text)
  if (match === null || !(bytes instanceof Uint8Array)) {
    throw new StoreCorrupt(`a payload of run ${JSON.stringify(runId)} makes no sense: its codec is ${JSON.stringify(text)}`, {
      details: { runId },
    })
  }
  const [, schema, codec = '', subject] = match
  // A plain view: the driver hands out Buffers, whose slice() shares memory where a Uint8Array's copies.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    bytes: plain,
    codec: codec.replaceAll('%2F', '/').replaceAll('%25', '%'),
    schema: Number(schema),
    ...(subject === undefined ? {} : { subject }),
  }
}

/** The payload of two columns that may be null. */
export function optionalPayload(text: string | null, bytes: Uint8Array | null, runId: string): Payload | undefined {
  return text === null ? undefined : payloadOf(text, bytes ?? new Uint8Array(), runId)
}

/** A payload inside of JSON. */
export type PayloadJson = readonly [codec: string, base64: string]

/** Packs a payload for a JSON column. */
export function payloadToJson(payload: Payload): PayloadJson {
  const { bytes } = payload
  return [codecText(payload), Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')]
}

/** Unpacks a payload of a JSON column. */
export function payloadFromJson([text, base64]: PayloadJson, runId: string): Payload {
  return payloadOf(text, Buffer.from(base64, 'base64'), runId)
}
