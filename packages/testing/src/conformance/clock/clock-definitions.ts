/** Time as everything else sees it. */
import { checkEqual, checkThat } from '../check.ts'
import type { ClockCase } from './clock-scope.ts'

/** Cases about a Clock. */
export const clockDefinitions: readonly ClockCase[] = [
  {
    name: 'time goes on, and never back',
    test: async ({ clock, pass }) => {
      const [wall, monotonic] = [clock.now(), clock.monotonic()]
      checkThat(clock.monotonic() >= monotonic, 'the monotonic clock never goes back')
      await pass(20)
      checkThat(clock.monotonic() - monotonic >= 19, 'the monotonic clock goes on', `${clock.monotonic() - monotonic} ms of 20`)
      checkThat(clock.now() - wall >= 18, 'the wall clock goes on', `${clock.now() - wall} ms of 20`)
      checkThat(clock.now() > Date.UTC(2000, 0, 1), 'the wall clock shows milliseconds since the epoch', String(clock.now()))
    },
  },
  {
    name: 'a timer calls back once, at its time and not before',
    test: async ({ clock, eventually, pass }) => {
      const started = clock.monotonic()
      const calls: number[] = []
      clock.setTimer(30, () => {
        calls.push(clock.monotonic() - started)
      })
      checkEqual(calls, [], 'a timer never calls back before the current call returns')
      await pass(5)
      checkThat(calls.length === 0 || (calls[0] ?? 0) >= 29, 'a timer calls back after at least its time', `after ${calls[0]} ms`)
      await eventually(() => calls.length > 0, 'a timer calls back')
      checkThat((calls[0] ?? 0) >= 29, 'a timer calls back after at least its time', `after ${calls[0]} ms`)
      await pass(100)
      checkEqual(calls.length, 1, 'a timer calls back once')
    },
  },
  {
    name: 'a timer of no time still calls back later',
    test: async ({ clock, eventually }) => {
      let called = false
      clock.setTimer(0, () => {
        called = true
      })
      checkEqual(called, false, 'a timer never calls back before the current call returns')
      await eventually(() => called, 'a timer of no time calls back')
    },
  },
  {
    name: 'timers call back in the order of their times',
    test: async ({ clock, eventually }) => {
      const calls: string[] = []
      for (const ms of [60, 20, 40])
        clock.setTimer(ms, () => {
          calls.push(String(ms))
        })
      await eventually(() => calls.length === 3, 'timers call back')
      checkEqual(calls, ['20', '40', '60'], 'timers call back in the order of their times')
    },
  },
  {
    name: 'a disposed timer does not call back',
    test: async ({ clock, pass }) => {
      let calls = 0
      const [timer, soon] = [
        clock.setTimer(10, () => {
          calls++
        }),
        clock.setImmediate(() => {
          calls++
        }),
      ]
      for (const handle of [timer, soon, timer]) handle[Symbol.dispose]()
      await pass(60)
      checkEqual(calls, 0, 'disposing a timer first prevents its call')
    },
  },
  {
    name: 'a timer of many days does not call back now',
    test: async ({ clock, pass }) => {
      let calls = 0
      const timers = [2 ** 31, 2 ** 32 + 1, 2 ** 40].map((ms) =>
        clock.setTimer(ms, () => {
          calls++
        }),
      )
      await pass(30)
      checkEqual(calls, 0, 'a timer calls back after at least its time, however long')
      for (const timer of timers) timer[Symbol.dispose]()
    },
  },
  {
    name: 'an immediate calls back once, after what is ready now',
    test: async ({ clock, eventually, pass }) => {
      const calls: string[] = []
      clock.setImmediate(() => {
        calls.push('immediate')
      })
      checkEqual(calls, [], 'an immediate never calls back before the current call returns')
      await Promise.resolve().then(() => {
        calls.push('ready')
      })
      await eventually(() => calls.length > 1, 'an immediate calls back')
      await pass(10)
      checkEqual(calls, ['ready', 'immediate'], 'an immediate lets other work have its turn, and calls back once')
    },
  },
]
