import { VirtualClock } from '@workflow/testing'
import { expect, test } from 'vitest'
import { CursorFlusher, type CursorOwner } from './cursor-flusher.ts'
import type { Queryable } from './database.ts'
import type { SlotCursor } from './slot-cursor.ts'

/** An owner whose one cursor has always something to be written. */
function dirtyOwner(): CursorOwner {
  // What the flusher asks of a cursor.
  const slot = {
    receiver: 1,
    slot: 0,
    flushed: () => undefined,
    lose: () => undefined,
    notFlushed: () => undefined,
  } as unknown as SlotCursor
  return {
    dirtySlots: () => [slot],
    rowOf: () => ({ receiver: 1, slot: 0, epoch: 1n, position: 1n, holes: [], lanes: '{}' }) as unknown as ReturnType<SlotCursor['row']>,
    dropLost: () => undefined,
  }
}

/** A connection to a server that is away, and how often it was asked. */
function awayConnection(): { readonly connection: Queryable; readonly asked: () => number } {
  let asked = 0
  const query = (): Promise<never> => {
    asked += 1
    return Promise.reject(new Error('the server is away'))
  }
  return { connection: { query } as unknown as Queryable, asked: () => asked }
}

test('what could not be written is tried again, by one timer however often it failed', async () => {
  const clock = new VirtualClock()
  const { connection, asked } = awayConnection()
  const flusher = new CursorFlusher(connection, clock)
  const owner = dirtyOwner()
  for (let i = 0; i < 3; i++) {
    flusher.dirty(owner)
    await flusher.flush()
  }
  expect([asked(), clock.pending().length]).toEqual([3, 1])
  await clock.advance(250)
  await flusher.flush()
  expect([asked(), clock.pending().length]).toEqual([4, 1])
  flusher.close()
})

test('after the close nothing is tried again, and no timer is left', async () => {
  const clock = new VirtualClock()
  const { connection, asked } = awayConnection()
  const flusher = new CursorFlusher(connection, clock)
  const owner = dirtyOwner()
  flusher.dirty(owner)
  await flusher.flush()
  flusher.dirty(owner)
  const last = flusher.flush()
  while (asked() < 2) await Promise.resolve()
  flusher.close()
  await last
  flusher.dirty(owner)
  await clock.advance(10_000)
  await flusher.flush()
  expect([asked(), clock.pending()]).toEqual([2, []])
})
