import { NotSerializable, StoreCorrupt } from '../errors.ts'
import type { Codec } from '../ports/codec.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * Values as JSON in UTF-8. Refuses what JSON would lose in silence. A `Date` becomes its ISO text, which only a schema
 * brings back: `unchecked` objects are checked for that before they get here.
 */
export const jsonCodec: Codec = {
  encode: (value, schema) => {
    const flaw = findFlaw(value, '', 0)
    if (flaw !== undefined) throw new NotSerializable(flaw)
    return { bytes: Buffer.from(stringify(value)), codec: 'json', schema }
  },
  decode: (payload) => {
    if (payload.codec !== 'json') {
      throw new StoreCorrupt(
        `the value was encoded by '${payload.codec}', and this process decodes 'json': give the workflow the codec that wrote it`,
      )
    }
    try {
      return JSON.parse(decoder.decode(payload.bytes))
    } catch (cause) {
      throw new StoreCorrupt('the stored value is not valid JSON', { cause })
    }
  },
}

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (cause) {
    throw new NotSerializable(`the value cannot become JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

const depthMax = 200

/** The first place where JSON would throw, or would drop or change something without a word. */
function findFlaw(value: unknown, path: string, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : `${at(path)} is ${String(value)}, which JSON turns into null`
    case 'bigint':
      return `${at(path)} is a BigInt, which JSON does not know: store it as a string`
    case 'undefined':
      return `${at(path)} is undefined, which JSON does not know: use null, or leave the property out`
    case 'function':
    case 'symbol':
      return `${at(path)} is a ${typeof value}, which cannot be stored`
  }
  if (value === null || depth > depthMax)
    return depth > depthMax ? `${at(path)} is nested more than ${depthMax} levels deep, or contains itself` : undefined
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const flaw = findFlaw(value[i], `${path}[${i}]`, depth + 1)
      if (flaw !== undefined) return flaw
    }
    return undefined
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  // The cast below holds because only objects get this far.
  if (prototype !== Object.prototype && prototype !== null) return classFlaw(value as object, path)
  for (const key in value) {
    const property = (value as Readonly<Record<string, unknown>>)[key]
    // A property that is undefined is the same as an absent one: JSON leaves it out.
    if (property === undefined) continue
    const flaw = findFlaw(property, path === '' ? key : `${path}.${key}`, depth + 1)
    if (flaw !== undefined) return flaw
  }
  return undefined
}

function classFlaw(value: object, path: string): string | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? `${at(path)} is an invalid Date` : undefined
  if (value instanceof Map || value instanceof Set)
    return `${at(path)} is a ${value.constructor.name}, which JSON turns into {}: store an array of its entries`
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `${at(path)} is binary: store it as base64 text`
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return undefined
  return `${at(path)} is an instance of ${value.constructor?.name ?? 'a class'}, which would come back without its class: store plain data`
}

/** Long paths, as in a value that contains itself, are cut. */
const pathLengthMax = 120

function at(path: string): string {
  return path === '' ? 'the value' : `'${path.length > pathLengthMax ? `${path.slice(0, pathLengthMax)}…` : path}'`
}
