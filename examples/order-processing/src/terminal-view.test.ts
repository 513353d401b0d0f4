import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { PlainView } from './plain-view.ts'
import type { Progress } from './progress.ts'
import { TerminalView } from './terminal-view.ts'

const progress: Progress = {
  elapsedMs: 12_345,
  statuses: [
    { status: 'charging', terminal: false, count: 1_200 },
    { status: 'shipped', terminal: true, count: 400 },
  ],
  total: 1_600,
  finished: 400,
  paused: 0,
  perSecond: 38.4,
  failures: 3,
  retries: 2,
  processes: 1,
  intake: { state: 'finished', started: 1_600, known: 0, invalid: 0, repeated: 0 },
}

function drawnOn(columns: number, colours: boolean, draw: (view: TerminalView) => void): string {
  let written = ''
  const view = new TerminalView(
    {
      columns,
      rows: 30,
      write: (text) => {
        written += text
      },
    },
    colours,
  )
  draw(view)
  return written
}

test('draws a bar, the count of each status, failures and retries', () => {
  const picture = stripVTControlCharacters(drawnOn(80, true, (view) => view.show(progress)))
  expect(picture).toContain('400 of 1,600  25 %  38/s  12 s')
  expect(picture).toMatch(/█+░+/)
  expect(picture).toMatch(/charging {12}1,200/)
  expect(picture).toMatch(/shipped {13} {2}400/)
  expect(picture).toContain('3 attempts failed, 2 of them tried again so far')
  expect(picture).not.toContain('processes')
})

test('says what is unusual', () => {
  const picture = drawnOn(80, false, (view) =>
    view.show({ ...progress, paused: 2, processes: 2, intake: { ...progress.intake, state: 'reading' } }),
  )
  expect(picture).toContain('2 paused: they need a person')
  expect(picture).toContain('2 processes share the work')
  expect(picture).toContain('400 of 1,600+')
})

test('draws over its last picture, and no line is longer than the terminal', () => {
  const written = drawnOn(50, false, (view) => {
    view.show(progress)
    view.ask('a question that is much longer than any terminal of fifty columns could show')
  })
  const first = written.slice(0, written.indexOf('\u001B[9A'))
  expect(first.split('\n').length - 1).toBe(9)
  for (const line of stripVTControlCharacters(written).split('\n')) expect(line.length).toBeLessThanOrEqual(50)
})

test('notes stay above the picture; the end takes the hint and the question away and brings the cursor back, once', () => {
  const written = drawnOn(80, false, (view) => {
    view.show(progress)
    view.ask('approve?')
    view.note('line 3: skipped')
    view.end()
    view.end()
  })
  expect(written).toContain('\u001B[0Jline 3: skipped\n\n')
  const last = written.slice(written.lastIndexOf('\u001B[0J'))
  expect(last).not.toContain('approve?')
  expect(last).not.toContain('Ctrl-C')
  expect(written.split('\u001B[?25h').length).toBe(2)
})

test('plain lines have the same numbers', () => {
  const lines: string[] = []
  const view = new PlainView((line) => lines.push(line))
  view.show({ ...progress, processes: 2, paused: 1 })
  view.note('a note')
  view.ask('approve?')
  view.ask(undefined)
  view.end()
  expect(lines).toEqual([
    '  12 s  400/1,600 done | 38/s | charging 1,200, shipped 400 | 3 failures, 2 retries | 1 paused | 2 processes',
    'a note',
    'approve?',
  ])
})
