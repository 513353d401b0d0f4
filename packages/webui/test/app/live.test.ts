/** What keeps the pages fresh: the stream of changes, resources, lists that grow. Timers are run by the tests. */
import { describe, expect, test } from 'vitest'
import type { ChangeJson } from '../../src/api/change-json.ts'
import type { RunJson, RunPageJson } from '../../src/api/run-json.ts'
import { ApiFault } from '../../app/data/api-client.ts'
import { changeStream, type EventSourceLike } from '../../app/live/change-stream.ts'
import { resource } from '../../app/live/resource.ts'
import { runPages } from '../../app/live/run-pages.ts'

class Timers {
  readonly pending: { readonly ms: number; readonly run: () => void }[] = []
  readonly setTimer = (ms: number, run: () => void): (() => void) => {
    const timer = { ms, run }
    this.pending.push(timer)
    return () => {
      const at = this.pending.indexOf(timer)
      if (at >= 0) this.pending.splice(at, 1)
    }
  }
  /** Runs the only timer, and gives what it waited. */
  next(): number {
    expect(this.pending).toHaveLength(1)
    const [timer] = this.pending.splice(0, 1)
    timer?.run()
    return timer?.ms ?? Number.NaN
  }
}

class Source implements EventSourceLike {
  readyState = 0
  closed = false
  readonly #listeners = new Map<string, (event: { readonly data?: unknown }) => void>()
  addEventListener(name: string, listener: (event: { readonly data?: unknown }) => void): void {
    this.#listeners.set(name, listener)
  }
  close(): void {
    this.closed = true
  }
  say(name: string, data?: unknown): void {
    this.#listeners.get(name)?.({ data })
  }
  /** As a browser that gives up. */
  refuse(): void {
    this.readyState = 2
    this.say('error')
  }
}

const changed = (runId: string, version: number, more: Partial<ChangeJson> = {}): ChangeJson => ({
  workflow: 'orders',
  runId,
  foreignId: runId,
  version,
  status: 'paid',
  state: 'Running',
  at: '2026-01-01T00:00:01.000Z',
  ...more,
})

function streaming() {
  const timers = new Timers()
  const sources: Source[] = []
  const heard: string[] = []
  const close = changeStream({
    connect: () => {
      const source = new Source()
      sources.push(source)
      return source
    },
    onChange: ({ runId }) => heard.push(runId),
    onRefresh: () => heard.push('refresh'),
    onState: (state) => heard.push(state),
    setTimer: timers.setTimer,
  })
  return { timers, sources, heard, close, last: (): Source => sources.at(-1) ?? new Source() }
}

describe('changeStream', () => {
  test('tells changes and refreshes, and nothing of what it cannot read', () => {
    const { heard, last } = streaming()
    last().say('open')
    last().say('change', JSON.stringify(changed('a', 1)))
    last().say('change', 'no json')
    last().say('change', '7')
    last().say('refresh')
    expect(heard).toEqual(['connecting', 'live', 'refresh', 'a', 'refresh'])
  })

  test('leaves it to the browser to connect again, and then needs no refresh', () => {
    const { heard, last, timers, sources } = streaming()
    last().say('open')
    last().say('error')
    expect(timers.pending).toEqual([])
    last().say('open')
    expect(heard).toEqual(['connecting', 'live', 'refresh', 'broken', 'live'])
    expect(sources).toHaveLength(1)
  })

  test('tries again less and less often where the server refuses, and asks for what it has missed', () => {
    const { heard, last, timers } = streaming()
    const waits = Array.from({ length: 7 }, () => {
      last().refuse()
      return timers.next()
    })
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
    last().say('open')
    expect(heard.slice(-2)).toEqual(['live', 'refresh'])
    last().refuse()
    expect(timers.next()).toBe(1_000)
  })

  test('ends for good', () => {
    const { last, timers, close, sources } = streaming()
    last().refuse()
    close()
    expect(timers.pending).toEqual([])
    expect(sources).toHaveLength(1)
  })
})

describe('resource', () => {
  const away = new ApiFault('Unreachable', 'no answer', 0)

  test('keeps what was shown while the server is away, and asks until it answers', async () => {
    const timers = new Timers()
    const answers: (string | ApiFault)[] = ['one', away, away, 'two']
    const it = resource(async () => {
      const answer = answers.shift()
      if (answer instanceof ApiFault) throw answer
      return answer
    }, timers)
    await it.reload()
    expect(it.value.value).toBe('one')
    await it.reload()
    expect([it.value.value, it.fault.value, it.loading.value]).toEqual(['one', away, false])
    expect(timers.next()).toBe(1_000)
    await expect.poll(() => timers.pending.map(({ ms }) => ms)).toEqual([2_000])
    timers.next()
    await expect.poll(() => [it.value.value, it.fault.value]).toEqual(['two', undefined])
  })

  test('does not ask again for what will not get better', async () => {
    const timers = new Timers()
    const it = resource(() => Promise.reject(new ApiFault('NotFound', 'no', 404)), timers)
    await it.reload()
    expect(it.fault.value?.code).toBe('NotFound')
    expect(timers.pending).toEqual([])
  })

  test('a thousand changes are one question, and one more if they come while it is asked', async () => {
    const timers = new Timers()
    let asked = 0
    let answer = (): void => undefined
    const it = resource(
      () =>
        new Promise<number>((resolve) => {
          answer = () => resolve(++asked)
        }),
      timers,
    )
    for (let i = 0; i < 1_000; i++) it.refresh()
    timers.next()
    for (let i = 0; i < 1_000; i++) it.refresh()
    expect(timers.pending).toEqual([])
    answer()
    await expect.poll(() => it.value.value).toBe(1)
    timers.next()
    answer()
    await expect.poll(() => it.value.value).toBe(2)
    expect(timers.pending).toEqual([])
  })

  test('an answer that comes too late is not shown', async () => {
    const timers = new Timers()
    const answers: ((text: string) => void)[] = []
    const it = resource(() => new Promise<string>((resolve) => answers.push(resolve)), timers)
    const [first, second] = [it.reload(), it.reload()]
    answers[1]?.('new')
    answers[0]?.('old')
    await Promise.all([first, second])
    expect(it.value.value).toBe('new')
    it.dispose()
    it.refresh()
    expect(timers.pending).toEqual([])
  })
})

describe('runPages', () => {
  const run = (runId: string, version = 1): RunJson => ({
    workflow: 'orders',
    runId,
    foreignId: runId,
    status: 'created',
    state: 'Paused',
    version,
    metadata: {},
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    enteredAt: '2026-01-01T00:00:00.000Z',
    pause: { by: 'engine', reason: 'no' },
  })
  const pages: Readonly<Record<string, RunPageJson>> = {
    first: { items: [run('a'), run('b')], cursor: 'second' },
    second: { items: [run('b'), run('c')] },
  }
  const load = async (cursor: string | undefined): Promise<RunPageJson> => pages[cursor ?? 'first'] ?? { items: [] }

  test('grows page by page to its end, and shows a run of two pages once', async () => {
    const list = runPages(load)
    await list.reload()
    await list.loadMore()
    await list.loadMore()
    expect([list.runs.value.map(({ runId }) => runId), list.more.value]).toEqual([['a', 'b', 'c'], false])
  })

  test('goes on past pages that are empty, or nobody would ever ask for the next one', async () => {
    const sparse: Readonly<Record<string, RunPageJson>> = {
      first: { items: [], cursor: 'second' },
      second: { items: [], cursor: 'third' },
      third: { items: [run('a')], cursor: 'last' },
      last: { items: [], cursor: 'end' },
      end: { items: [] },
    }
    const list = runPages(async (cursor) => sparse[cursor ?? 'first'] ?? { items: [] })
    await list.reload()
    expect([list.runs.value.map(({ runId }) => runId), list.more.value]).toEqual([['a'], true])
    await list.loadMore()
    expect([list.runs.value.length, list.more.value, list.loading.value]).toEqual([1, false, false])
  })

  test('is loaded anew where changes may have been missed, unless it has grown: then it says so', async () => {
    let loaded = 0
    const list = runPages(async (cursor) => {
      loaded++
      return await load(cursor)
    })
    await list.reload()
    list.missed()
    expect([loaded, list.stale.value]).toEqual([2, false])
    await expect.poll(() => list.loading.value).toBe(false)
    await list.loadMore()
    list.missed()
    expect([loaded, list.stale.value]).toEqual([3, true])
    await list.reload()
    expect([loaded, list.stale.value]).toEqual([4, false])
  })

  test('follows changes of its runs, ignores old ones, and counts those of others', async () => {
    const list = runPages(load)
    await list.reload()
    list.apply(changed('a', 3))
    list.apply(changed('a', 2, { status: 'old' }))
    list.apply(changed('x', 1))
    list.apply(changed('x', 2))
    expect(list.runs.value[0]).toMatchObject({ version: 3, status: 'paid', state: 'Running', enteredAt: '2026-01-01T00:00:01.000Z' })
    expect(list.runs.value[0]?.pause).toBeUndefined()
    expect(list.unseen.value).toBe(1)
    await list.reload()
    expect(list.unseen.value).toBe(0)
  })

  test('keeps what it has where the next page fails', async () => {
    let failing = false
    const list = runPages(async (cursor) => {
      if (failing) throw new ApiFault('Unreachable', 'no answer', 0)
      return await load(cursor)
    })
    await list.reload()
    failing = true
    await list.loadMore()
    expect([list.runs.value.length, list.fault.value?.code, list.loading.value]).toEqual([2, 'Unreachable', false])
    failing = false
    await list.loadMore()
    expect([list.runs.value.length, list.fault.value]).toEqual([3, undefined])
  })
})
