import type { CodecCase } from './codec-scope.ts'

/** Every case about a Codec. */
export const codecDefinitions: readonly CodecCase[] = []
