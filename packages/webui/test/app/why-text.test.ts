import { describe, expect, test } from 'vitest'
import { whyOf } from '../../app/data/why-text.ts'
import type { ExplanationJson } from '../../src/api/run-json.ts'

const now = Date.parse('2026-01-01T12:00:00Z')
const soon = '2026-01-01T12:05:00Z'
const explained = (more: Partial<ExplanationJson>): ExplanationJson => ({
  status: 'paid',
  state: 'Running',
  since: '2026-01-01T11:00:00Z',
  waitsFor: [],
  failures: [],
  moves: [],
  text: '',
  ...more,
})

describe('whyOf', () => {
  test.each<[ExplanationJson['waitsFor'][number], string | RegExp]>([
    [{ kind: 'step', process: 'step paid' }, 'It is the turn of step paid.'],
    [{ kind: 'callback', status: 'paid', queued: 0 }, 'It waits for a callback at paid.'],
    [{ kind: 'callback', status: 'paid', queued: 2 }, '2 callbacks for paid came in and will be handled.'],
    [{ kind: 'timer', name: 'late', at: soon, held: false }, /^Its timeout late is over in 5 min, at 2026-/],
    [{ kind: 'timer', name: 'late', at: soon, held: true }, 'Its timeout late is held while it is paused.'],
    [{ kind: 'retry', process: 'step paid', at: soon, attempt: 3 }, /^Attempt 3 of step paid comes in 5 min, at /],
    [{ kind: 'children', join: 'packing', unfinished: 1 }, 'It waits for 1 run that it started.'],
    [{ kind: 'children', join: 'packing', unfinished: 0 }, 'All runs that it started have finished: the join takes its turn.'],
    [{ kind: 'person', pausedBy: 'person', actor: 'ann', reason: 'wait' }, 'ann has paused it: wait. A person has to resume or cancel it.'],
    [{ kind: 'person', pausedBy: 'engine', reason: 'no card', resumeAt: soon }, 'The engine has paused it: no card. It goes on in 5 min.'],
    [{ kind: 'nothing' }, 'It has ended and waits for nothing.'],
  ])('%o', (wait, text) => {
    const [line] = whyOf(explained({ waitsFor: [wait] }), now).waits
    if (typeof text === 'string') expect(line).toBe(text)
    else expect(line).toMatch(text)
  })

  test('names the last failure, who works for the run, and how far they are behind', () => {
    const failure = {
      name: 'Error',
      message: 'no card',
      process: 'step paid',
      startedAt: '2026-01-01T11:58:00Z',
      durationMs: 2,
      instance: 'i',
    }
    const why = whyOf(
      explained({
        waitsFor: [{ kind: 'step', process: 'step paid' }],
        failures: [
          { ...failure, attempt: 1 },
          { ...failure, attempt: 2 },
        ],
        holder: { instance: 'shop-1', since: '2026-01-01T10:00:00Z' },
        lag: { name: 'orders', events: 3 },
      }),
      now,
    )
    expect(why.lastFailure).toBe('Attempt 2 of step paid failed 2 min ago: no card')
    expect(why.workers).toEqual([expect.stringMatching(/^shop-1 works for it since 2026-/), 'Its consumer is 3 events behind.'])
  })

  test('of a run that has ended nobody works for it', () => {
    const holder = { instance: 'shop-1', since: soon }
    expect(whyOf(explained({ state: 'Completed', waitsFor: [{ kind: 'nothing' }], holder }), now)).toEqual({
      waits: ['It is completed and waits for nothing.'],
      lastFailure: undefined,
      workers: [],
    })
  })
})
