import { describe, expect, test } from 'vitest'
import { eventLog } from './event-log.ts'
import { movesOf } from './logged-workflow.ts'
import { replay } from './replay.ts'

const limitMs = 60_000

for (const name of ['helpdesk', 'permit']) {
  const log = eventLog(name)
  if (log === undefined) process.stderr.write(`skipping the replay of ${name}: the log is not on this machine\n`)
  const moves = movesOf(log ?? new Map())
  const expected = new Map([...moves].map(([caseName, all]) => [caseName, all.map((move, i) => ({ version: i + 1, ...move }))]))

  describe.skipIf(log === undefined)(`the log '${name}'`, () => {
    test('happens again, event by event and at its own times', { timeout: limitMs }, async () => {
      const { histories, byCallback, byTimeout } = await replay(name, moves)
      expect(histories).toEqual(expected)
      expect(byCallback).toBeGreaterThan(1_000)
      expect(byTimeout).toBeGreaterThan(1_000)
    })

    test('happens no differently when the engine is killed on the way, again and again', { timeout: limitMs }, async () => {
      const { histories, kills, interrupted } = await replay(name, moves, { killEvery: 299 })
      expect(histories).toEqual(expected)
      expect(kills).toBeGreaterThan(20)
      expect(interrupted).toBeGreaterThan(4)
    })
  })
}
