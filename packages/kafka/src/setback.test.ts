import { expect, test } from 'vitest'
import { KafkaFault } from './driver.ts'
import { ProtocolError } from './protocol-error.ts'
import { gravest } from './setback.ts'

const errors = {
  refused: new ProtocolError(6),
  lost: Object.assign(new Error('ended'), { name: 'KafkaJSConnectionError' }),
  silent: Object.assign(new Error('nothing came'), { name: 'KafkaJSRequestTimeoutError' }),
  final: new KafkaFault('too large', 'a record is too large'),
}

test('of what went wrong at several brokers that decides which takes more to set right', () => {
  const names = ['refused', 'lost', 'silent', 'final'] as const
  for (const [n, graver] of names.entries()) {
    for (const name of names.slice(0, n + 1)) {
      for (const both of [
        [errors[name], errors[graver]],
        [errors[graver], errors[name]],
      ])
        expect(gravest(both)).toEqual({ setback: graver, error: errors[graver] })
    }
  }
})
