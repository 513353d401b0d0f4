import { expect, test } from 'vitest'
import { Sightings } from './sightings.ts'

test('a lease is over once nobody has renewed it for as long as it lasts, by our own clock', () => {
  const sightings = new Sightings()
  const ghost = { id: 'ghost', expiresAt: Number.MAX_SAFE_INTEGER, leaseMs: 3_000 }
  const alive = (at: number): { id: string; expiresAt: number; leaseMs: number } => ({ id: 'alive', expiresAt: at + 3_000, leaseMs: 3_000 })
  for (const at of [0, 1_000, 2_000, 3_000]) expect(sightings.over([ghost, alive(at)], at)).toEqual([])
  expect(sightings.over([ghost, alive(4_000)], 4_000)).toEqual(['ghost'])
})

test('nothing is kept of instances that are gone', () => {
  const sightings = new Sightings()
  const row = { id: 'a', expiresAt: 9, leaseMs: 1_000 }
  sightings.over([row], 0)
  sightings.over([], 500)
  expect(sightings.over([row], 1_500)).toEqual([])
})
