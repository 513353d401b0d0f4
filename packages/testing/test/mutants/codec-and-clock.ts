/** Codecs and clocks that are wrong about one thing. */
import type { Clock, Payload } from '@workflow/core/adapter'
import { StoreCorrupt } from '@workflow/core/adapter'
import { virtualTime, type ClockHarness } from '../../src/conformance/index.ts'
import type { CodecChanger } from '../codec-harness.ts'
import { mutant, type Mutant } from './mutant.ts'

export const codecMutants: readonly Mutant<CodecChanger>[] = [
  mutant(
    'loses zeros',
    (codec) => ({
      ...codec,
      decode: async (payload, context) => {
        const value = await codec.decode(payload, context)
        return value === 5e-324 ? 0 : value
      },
    }),
    'plain values come back as they were',
  ),
  mutant(
    'takes a Map for an object',
    (codec) => ({ ...codec, encode: (value, schema, context) => codec.encode(value instanceof Map ? {} : value, schema, context) }),
    'a value comes back equal or is refused, wherever it stands',
  ),
  mutant(
    'notes every schema as the first',
    (codec) => ({ ...codec, encode: (value, _schema, context) => codec.encode(value, 1, context) }),
    'a payload says what made it',
  ),
  mutant(
    'gives the same value each time',
    (codec) => {
      const values = new Map<Payload, unknown>()
      return {
        ...codec,
        decode: async (payload, context) => {
          const value = await codec.decode(payload, context)
          if (typeof value !== 'object' || value === null || !('list' in value)) return value
          values.set(payload, values.get(payload) ?? value)
          return values.get(payload)
        },
      }
    },
    'a value that changes after it was encoded is stored as it was',
  ),
  mutant(
    'takes no bytes for nothing',
    (codec) => ({ ...codec, decode: (payload, context) => (payload.bytes.length === 0 ? undefined : codec.decode(payload, context)) }),
    'bytes that make no sense are refused as corrupt',
  ),
  mutant(
    'does not authenticate the place',
    (codec) => ({
      ...codec,
      encode: (value, schema, context) => codec.encode(value, schema, { ...context, kind: 'object' }),
      decode: (payload, context) => codec.decode(payload, { ...context, kind: 'object' }),
    }),
    'bytes of another run, workflow or place are refused',
  ),
  mutant(
    'throws for a forgotten key',
    (codec) => ({
      ...codec,
      decode: async (payload, context) => {
        const value = await codec.decode(payload, context)
        if (value instanceof Error) throw new StoreCorrupt('the key has been forgotten')
        return value
      },
    }),
    'what was encrypted with a forgotten key is Shredded',
  ),
]

export type ClockChanger = (clock: Clock) => Clock

/** A virtual clock, changed for the case but not for the kit's own waiting. */
export function changedClockHarness(change: ClockChanger = (clock) => clock): ClockHarness {
  return {
    capabilities: {},
    start: async () => {
      const time = virtualTime()
      return { time: { ...time, clock: change(time.clock) }, [Symbol.asyncDispose]: () => Promise.resolve() }
    },
  }
}

const over = (clock: Clock, change: Partial<Clock>): Clock => ({
  now: clock.now,
  monotonic: clock.monotonic,
  setTimer: clock.setTimer,
  setImmediate: clock.setImmediate,
  ...change,
})

export const clockMutants: readonly Mutant<ClockChanger>[] = [
  mutant('shows seconds', (clock) => over(clock, { now: () => Math.trunc(clock.now() / 1_000) }), 'time goes on, and never back'),
  mutant(
    'calls back twice',
    (clock) =>
      over(clock, {
        setTimer: (ms, callback) =>
          clock.setTimer(ms, () => {
            callback()
            if (ms === 30) callback()
          }),
      }),
    'a timer calls back once, at its time and not before',
  ),
  mutant(
    'calls back at once for no time',
    (clock) =>
      over(clock, {
        setTimer: (ms, callback) => {
          if (ms > 0) return clock.setTimer(ms, callback)
          callback()
          return { [Symbol.dispose]: () => undefined }
        },
      }),
    'a timer of no time still calls back later',
  ),
  mutant(
    'takes timers in the order of their setting',
    (clock) => over(clock, { setTimer: (ms, callback) => clock.setTimer([20, 40].includes(ms) ? 60 : ms, callback) }),
    'timers call back in the order of their times',
  ),
  mutant(
    'cannot be stopped',
    (clock) =>
      over(clock, {
        setTimer: (ms, callback) => {
          clock.setTimer(ms, callback)
          return { [Symbol.dispose]: () => undefined }
        },
      }),
    'a disposed timer does not call back',
  ),
  mutant(
    'counts time in 31 bits',
    (clock) => over(clock, { setTimer: (ms, callback) => clock.setTimer(ms > 2 ** 31 - 1 ? 1 : ms, callback) }),
    'a timer of many days does not call back now',
  ),
  mutant(
    'calls an immediate back before other work',
    (clock) =>
      over(clock, {
        setImmediate: (callback) => {
          queueMicrotask(callback)
          return { [Symbol.dispose]: () => undefined }
        },
      }),
    'an immediate calls back once, after what is ready now',
    'a disposed timer does not call back',
  ),
]
