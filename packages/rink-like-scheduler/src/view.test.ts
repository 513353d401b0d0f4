import { expect, test } from 'vitest'
import type { Entry } from './driver.ts'
import { writeMember, writeRole } from './entries.ts'
import { Keys } from './keys.ts'
import { View } from './view.ts'

const keys = new Keys('shop')

function entry(key: string, value: string, modRevision: bigint, createRevision = modRevision): Entry {
  return { key, value, modRevision, createRevision, leaseId: undefined }
}

const member = (id: string, revision: bigint): Entry => ({ ...entry(keys.member(id), writeMember(id), revision), leaseId: '1' })
const role = (name: string, id: string, revision: bigint): Entry => entry(keys.role(name), writeRole({ id, name: id, since: 1 }), revision)

function seen(): View {
  const view = new View(keys)
  view.load([entry(keys.domain, 'd', 1n), member('a', 2n), role('orders/0', 'a', 5n)], 7n)
  return view
}

test('what has changed since, or is as it was, can have come of what was seen', () => {
  const view = seen()
  expect(view.isPastOf([entry(keys.domain, 'd', 1n), member('a', 2n), role('orders/0', 'a', 5n)])).toBe(true)
  expect(view.isPastOf([entry(keys.domain, 'd', 1n), member('b', 9n), role('orders/0', 'b', 10n), role('orders/1', 'b', 8n)])).toBe(true)
  expect(view.isPastOf([])).toBe(true)
})

test.each([
  ['a role that was given back is there again', role('orders/1', 'a', 4n)],
  ['a role has an older holder', role('orders/0', 'a', 3n)],
  ['another holder was given the very same token', role('orders/0', 'b', 5n)],
  ['a member is there that was gone', member('b', 3n)],
])('it is another history where %s', (_, stored) => {
  expect(seen().isPastOf([stored])).toBe(false)
})
