import { stateTopicOf, topicOf } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { cursorTopicOf, kafkaTopicOf } from './topic-name.ts'

test('topics stay readable where they can', () => {
  expect(kafkaTopicOf('workflow', topicOf('order-processing', 'awaiting-approval'))).toBe('workflow__order-processing__awaiting-approval')
  expect(kafkaTopicOf('team-a.prod', stateTopicOf('orders', 'Completed'))).toBe('team-a.prod__orders___24Completed')
})

test('no two topics share a name, not even where Kafka takes . and _ for one', () => {
  const parts = [
    'a',
    'A',
    'a b',
    'a_b',
    'a__b',
    'a.b',
    'a%20b',
    'a-b',
    '_',
    '__',
    '_5f',
    '5f',
    '_h',
    'é',
    'e\u0301',
    '%',
    '/',
    '$',
    '-',
    'x'.repeat(240),
  ]
  const topics = parts.flatMap((workflow) => parts.map((status) => topicOf(workflow, status)))
  const raw = parts.flatMap((one) => parts.map((two) => `${one}/${two}`))
  const all = [...new Set([...topics, ...raw])]
  const names = ['workflow', 'workflow.a', 'w'].flatMap((prefix) => [
    cursorTopicOf(prefix),
    ...all.map((topic) => kafkaTopicOf(prefix, topic)),
  ])
  expect(new Set(names.map((name) => name.replaceAll('.', '_'))).size).toBe(3 * (all.length + 1))
  for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9._-]{1,249}$/)
})

test('a name that would be too long ends in a hash of all of it', () => {
  const [one, two] = ['a', 'b'].map((last) => kafkaTopicOf('workflow', `orders/${'x'.repeat(300)}${last}`))
  expect(one).not.toBe(two)
  expect(one).toMatch(/^workflow__orders__x+_h[0-9a-f]{32}$/)
  expect(one).toHaveLength(249)
})
