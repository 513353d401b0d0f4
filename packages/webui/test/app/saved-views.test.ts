import { expect, test } from 'vitest'
import { forgetView, saveView, savedViews, type ViewStore } from '../../app/data/saved-views.ts'

const storeOf = (text: string | null = null): ViewStore => {
  let kept = text
  return { getItem: () => kept, setItem: (_, value) => void (kept = value) }
}
const paused = { name: 'paused', workflow: 'orders', query: 'state=Paused' }

test('a view is saved once per name and workflow, and forgotten', () => {
  const store = storeOf()
  saveView(store, paused)
  saveView(store, { ...paused, workflow: 'parcels' })
  saveView(store, { ...paused, query: 'state=Cancelled' })
  expect(savedViews(store).map(({ workflow, query }) => `${workflow} ${query}`)).toEqual(['parcels state=Paused', 'orders state=Cancelled'])
  expect(forgetView(store, paused).map(({ workflow }) => workflow)).toEqual(['parcels'])
})

test('what is no view is left out, and what is no JSON is none', () => {
  expect(savedViews(storeOf('not json'))).toEqual([])
  expect(savedViews(storeOf(JSON.stringify([paused, null, { name: 1 }, { ...paused, name: '' }])))).toEqual([paused])
})

test('a browser that keeps nothing is no error', () => {
  const refusing: ViewStore = {
    getItem: () => null,
    setItem: () => {
      throw new DOMException('full', 'QuotaExceededError')
    },
  }
  expect(saveView(refusing, paused)).toEqual([paused])
})
