import { expect, test } from 'vitest'
import { assertAvailable, assertSurvives, brokerProgram } from '../test/broker-program.ts'

const program = brokerProgram()
const { start, orderFile, hasServer } = program

test('with events on NATS it goes on after a kill -9, and clears its server away at the end', { timeout: 120_000 }, async (context) => {
  await assertAvailable('nats', context)
  await assertSurvives('nats', program)
})

test('Ctrl-C stops the server with the program, and a start without a broker needs none of it', { timeout: 120_000 }, async (context) => {
  await assertAvailable('nats', context)
  const args = ['--fast', '--file', await orderFile(200)]
  const first = start([...args, '--broker', 'nats'])
  await first.says(/\/[\d,]+\+? done/)
  first.child.kill('SIGINT')
  expect(await first.ended, first.output()).toEqual({ code: 130, signal: null })
  expect(first.output()).toContain(' --broker nats --fast')
  expect(hasServer('nats')).toBe(true)
  const last = start(args)
  expect(await last.ended, last.output()).toEqual({ code: 0, signal: null })
  expect(last.output()).toContain('every order has one run (200 orders)')
  expect(last.output()).toMatch(/ {2}passed\n/)
  const anew = start(['--fast', '--reset', '--count', '1'])
  expect((await anew.ended).code, anew.output()).toBe(0)
  expect(hasServer('nats')).toBe(false)
})
