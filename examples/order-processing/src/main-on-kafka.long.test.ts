import { test } from 'vitest'
import { assertAvailable, assertSurvives, brokerProgram } from '../test/broker-program.ts'

const program = brokerProgram()

test('with events on Kafka it goes on after a kill -9, and clears its server away at the end', { timeout: 240_000 }, async (context) => {
  await assertAvailable('kafka', context)
  await assertSurvives('kafka', program)
})
