import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { freshData } from './postgres-data.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'workflow-data-'))
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'))
})

afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

/** Fills a new folder; answers what is in it, and whether it was made anew. */
function fill(name: string, args: readonly string[] = []): { readonly text: string; readonly mode: number; readonly made: boolean } {
  const data = join(folder, name)
  mkdirSync(data, { mode: 0o700 })
  let made = false
  freshData(data, { binaries: folder, uid: undefined, args }, () => {
    made = true
    mkdirSync(join(data, 'base'))
    writeFileSync(join(data, 'base', 'text'), name, { mode: 0o600 })
  })
  return { text: readFileSync(join(data, 'base', 'text'), 'utf8'), mode: statSync(join(data, 'base', 'text')).mode & 0o777, made }
}

test('data is made once, and copied with its rights from then on', () => {
  expect(fill('first')).toEqual({ text: 'first', mode: 0o600, made: true })
  expect(fill('second')).toEqual({ text: 'first', mode: 0o600, made: false })
  // What becomes of a copy is its own affair.
  writeFileSync(join(folder, 'second', 'base', 'text'), 'changed')
  expect(fill('third').text).toBe('first')
})

test('data that is made otherwise is other data', () => {
  fill('first')
  expect(fill('second', ['--data-checksums'])).toMatchObject({ text: 'second', made: true })
})

test('where nothing can be kept it is made each time', () => {
  writeFileSync(join(folder, 'cache'), 'in the way')
  expect(fill('first').made).toBe(true)
  expect(fill('second')).toMatchObject({ text: 'second', made: true })
  expect(existsSync(join(folder, 'cache', 'workflow-services'))).toBe(false)
})
