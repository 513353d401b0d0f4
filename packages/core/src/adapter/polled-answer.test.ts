import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../test/manual-clock.ts'
import { PolledAnswer } from './polled-answer.ts'

interface Scene {
  readonly clock: ManualClock
  readonly answer: PolledAnswer<number>
  /** One for each time that it was asked. */
  readonly asked: PromiseWithResolvers<number>[]
  readonly warnings: object[]
  readonly ask: (timeoutMs?: number) => Promise<{ readonly value: number } | undefined>
}

function scene(keepMs = 5_000): Scene {
  const clock = new ManualClock()
  const asked: PromiseWithResolvers<number>[] = []
  const warnings: object[] = []
  const logger = { debug: () => undefined, info: () => undefined, error: () => undefined, warn: (fields: object) => warnings.push(fields) }
  const ask = (): Promise<number> => {
    const next = Promise.withResolvers<number>()
    asked.push(next)
    return next.promise
  }
  const answer = new PolledAnswer({ ask, clock, keepMs, timeoutMs: 1_000, logger, fields: { question: 'how many' } })
  return { clock, answer, asked, warnings, ask: (timeoutMs = 1_000) => answer.by(clock.monotonic() + timeoutMs) }
}

describe('an answer that scrapes share', () => {
  it('is asked for once in a while, however often it is wanted', async () => {
    const { clock, asked, ask } = scene()
    const both = [ask(), ask()]
    asked[0]?.resolve(7)
    expect(await Promise.all(both)).toEqual([{ value: 7 }, { value: 7 }])
    await clock.advance(4_999)
    expect(await ask()).toEqual({ value: 7 })
    expect(asked).toHaveLength(1)
    await clock.advance(1)
    const next = ask()
    asked[1]?.resolve(8)
    expect(await next).toEqual({ value: 8 })
  })

  it('is left out when it is late, and is there for the next scrape', async () => {
    const { clock, asked, warnings, ask } = scene()
    const late = ask()
    await clock.advance(1_000)
    expect(await late).toBeUndefined()
    expect(warnings).toEqual([{ question: 'how many', timeoutMs: 1_000 }])
    asked[0]?.resolve(7)
    await clock.advance(1_000)
    expect(await ask()).toEqual({ value: 7 })
    expect(asked).toHaveLength(1)
  })

  it('is neither asked for again nor waited for while it hangs', async () => {
    const { clock, asked, ask } = scene()
    const first = ask()
    await clock.advance(1_000)
    await first
    expect(await ask(60_000)).toBeUndefined()
    expect(asked).toHaveLength(1)
    expect(clock.pending).toBe(0)
  })

  it('is kept twenty times as long as it took, so that asking never becomes the work', async () => {
    const { clock, asked, ask } = scene()
    const slow = ask()
    await clock.advance(600)
    asked[0]?.resolve(7)
    expect(await slow).toEqual({ value: 7 })
    await clock.advance(11_999)
    expect(await ask()).toEqual({ value: 7 })
    expect(asked).toHaveLength(1)
    await clock.advance(1)
    const failing = ask()
    await clock.advance(600)
    asked[1]?.reject(new Error('down'))
    expect(await failing).toBeUndefined()
    // A failure is not: what is well again should be seen.
    await clock.advance(5_000)
    void ask()
    expect(asked).toHaveLength(3)
  })

  it('is asked for every time where nothing is to be kept', async () => {
    const { clock, asked, ask } = scene(0)
    for (let times = 1; times <= 2; times++) {
      const slow = ask()
      await clock.advance(600)
      asked.at(-1)?.resolve(times)
      expect(await slow).toEqual({ value: times })
    }
  })

  it('is not asked for when the time is up already', async () => {
    const { asked, ask } = scene()
    expect(await ask(0)).toBeUndefined()
    expect(asked).toHaveLength(0)
  })

  it('does not outlive a failure, which is kept as long, and told once until it is over', async () => {
    const { clock, asked, warnings, ask } = scene()
    const settled = async (settle: (answer: PromiseWithResolvers<number> | undefined) => void): Promise<unknown> => {
      const pending = ask()
      settle(asked.at(-1))
      const result = await pending
      expect(await ask()).toEqual(result)
      await clock.advance(5_000)
      return result
    }
    const down = (answer: PromiseWithResolvers<number> | undefined): void => answer?.reject(new Error('down'))
    expect(await settled((answer) => answer?.resolve(7))).toEqual({ value: 7 })
    expect(await settled(down)).toBeUndefined()
    expect(await settled(down)).toBeUndefined()
    expect(warnings).toHaveLength(1)
    expect(await settled((answer) => answer?.resolve(8))).toEqual({ value: 8 })
    expect(await settled(down)).toBeUndefined()
    expect(asked).toHaveLength(5)
    expect(warnings).toHaveLength(2)
    expect(warnings[0]).toMatchObject({ question: 'how many', error: new Error('down') })
  })

  it('leaves no timer behind', async () => {
    const { clock, asked, ask } = scene()
    const well = ask()
    asked[0]?.resolve(7)
    await well
    expect(clock.pending).toBe(0)
  })
})
