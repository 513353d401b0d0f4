import type { Codec } from '@workflow/core/adapter'
import type { CaseDefinition, CaseScope, NeedOf } from '../conformance-case.ts'
import type { CodecBackend, CodecCapabilities } from '../harness.ts'

/** What a case about a Codec works with. */
export interface CodecScope extends CaseScope {
  readonly codec: Codec
}

export type CodecCase = CaseDefinition<CodecScope, NeedOf<CodecCapabilities>>

export function newCodecScope(backend: CodecBackend): CodecScope {
  return { codec: backend.codec, end: () => Promise.resolve() }
}
