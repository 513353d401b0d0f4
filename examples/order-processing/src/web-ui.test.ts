import { expect, test } from 'vitest'
import { wantsWebUi } from './web-ui.ts'

const terminal = { isTTY: true }
const pipe = {}

test.each([
  ['a person at a terminal', {}, terminal, terminal, {}, true],
  ['whoever reads the output through a pipe', {}, terminal, pipe, {}, false],
  ['whoever pipes orders in', {}, pipe, terminal, {}, false],
  ['a build server, though it has a terminal', {}, terminal, terminal, { CI: 'true' }, false],
  ['whoever says --no-ui at a terminal', { ui: false }, terminal, terminal, {}, false],
  ['whoever says --ui without one', { ui: true }, pipe, pipe, { CI: '1' }, true],
])('%s', (_, options, stdin, stdout, environment, wants) => {
  expect(wantsWebUi(options, { stdin, stdout, environment })).toBe(wants)
})
