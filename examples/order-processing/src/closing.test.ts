import { expect, test } from 'vitest'
import { parseCliOptions } from './cli-options.ts'
import { closingLines, goOnCommand } from './closing.ts'

const options = (...args: readonly string[]) => parseCliOptions(args, '/here', '/there/orders.db')

test.each([
  [[], 'sample', 'npm start'],
  [['--count', '5', '--fast', '--seed', 'x y', '--interactive'], 'sample', "npm start -- --count 5 --seed 'x y' --fast --interactive"],
  [['--file', 'my orders.ndjson', '--db', 'o.db', '--reset'], 'file', "npm start -- --file '/here/my orders.ndjson' --db /here/o.db"],
  [['--broker', 'kafka', '--url', 'a:9092'], 'sample', 'npm start -- --broker kafka --url a:9092'],
  [['--no-ui'], 'sample', 'npm start -- --no-ui'],
  [['--resume'], 'none', 'npm start -- --resume'],
  [['--count', '5'], 'stdin', 'npm start -- --resume (and pipe the same lines again if some were not read yet)'],
] as const)('%j goes on with what was said, without what would begin anew', (args, kind, command) => {
  expect(goOnCommand(options(...args), kind)).toBe(command)
})

test('paused orders are explained', () => {
  const progress = {
    elapsedMs: 1,
    statuses: [],
    total: 1,
    finished: 0,
    paused: 1,
    perSecond: 0,
    failures: 0,
    retries: 0,
    processes: 1,
    intake: { state: 'finished', started: 1, known: 0, invalid: 0, repeated: 0 },
  } as const
  const lines = closingLines({ progress, facts: [], checks: [], paused: ['o-1: somebody must look'] }, options())
  expect(lines).toContain('  o-1: somebody must look')
})
