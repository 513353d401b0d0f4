import { describe, test } from 'vitest'
import { timeoutStoreCases } from '../src/conformance/index.ts'
import { memoryTimeoutStoreHarness } from './memory-harness.ts'

const harness = memoryTimeoutStoreHarness()
const many = { ...harness, capabilities: { ...harness.capabilities, sizes: { timers: 1_000_000 } } }

describe('the timeout store in memory, with a million timers', () => {
  for (const { name, run } of timeoutStoreCases(many)) if (name.startsWith('very many')) test(name, run)
})
