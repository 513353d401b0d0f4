/** A codec that encrypts and forgets, in memory and for tests only, and its harness. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { Shredded, StoreCorrupt, WorkflowError, type Codec, type CodecContext } from '@workflow/core/adapter'
import { virtualTime, type CodecHarness } from '../src/conformance/index.ts'

/** What JSON gives back as it was. */
function assertPlain(value: unknown, seen: readonly unknown[] = []): void {
  if (value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return
  if (typeof value === 'string' && value.isWellFormed()) return
  const prototype: unknown = typeof value === 'object' && !seen.includes(value) ? Object.getPrototypeOf(value) : undefined
  if (prototype !== Object.prototype && prototype !== Array.prototype)
    throw new WorkflowError('NotSerializable', `a ${typeof value} would not come back as it was`)
  for (const each of Object.values(value as object)) assertPlain(each, [...seen, value])
}

function additionalData({ workflowName, foreignId, runId, kind }: CodecContext): Buffer {
  return Buffer.from(JSON.stringify([workflowName, foreignId, runId, kind]))
}

export function forgetfulCodec(): Codec {
  const keys = new Map<string, Buffer | 'forgotten'>()
  return {
    encode: (value, schema, context) => {
      assertPlain(value)
      const subject = context.foreignId
      const key = keys.get(subject) ?? randomBytes(32)
      if (key === 'forgotten') throw new WorkflowError('NotSerializable', `the key of ${subject} has been forgotten`)
      keys.set(subject, key)
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(additionalData(context))
      const sealed = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()])
      return { bytes: Buffer.concat([nonce, cipher.getAuthTag(), sealed]), codec: 'aes-json', schema, subject }
    },
    decode: ({ bytes, subject }, context) => {
      const key = keys.get(subject ?? '')
      if (key === undefined || key === 'forgotten') return new Shredded(`the key of ${subject} has been forgotten`)
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(additionalData(context))
        decipher.setAuthTag(bytes.subarray(12, 28))
        return JSON.parse(Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString()) as unknown
      } catch (error) {
        throw new StoreCorrupt(`the bytes of ${context.runId} do not belong there`, { cause: error })
      }
    },
    forget: async (subject) => {
      keys.set(subject, 'forgotten')
    },
  }
}

export type CodecChanger = (codec: Codec) => Codec

export function codecHarness(change: CodecChanger = (codec) => codec): CodecHarness {
  return {
    capabilities: { forgets: true, authenticates: true },
    start: async () => ({ time: virtualTime(), codec: change(forgetfulCodec()), [Symbol.asyncDispose]: () => Promise.resolve() }),
  }
}
