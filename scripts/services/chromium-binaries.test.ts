import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { chromiumBinary, chromiumVersion } from './chromium-binaries.ts'

afterEach(() => vi.unstubAllEnvs())

test('what CHROMIUM names comes first, and has to be there', () => {
  vi.stubEnv('CHROMIUM', process.execPath)
  expect(chromiumBinary()).toEqual({ program: process.execPath, env: {}, origin: 'CHROMIUM' })
  vi.stubEnv('CHROMIUM', '/nowhere/chromium')
  expect(() => chromiumBinary()).toThrow('CHROMIUM names /nowhere/chromium, and nothing is there')
})

test('what is found is a program that starts, or what was fetched before', () => {
  vi.stubEnv('CHROMIUM', '')
  const caches = mkdtempSync(join(tmpdir(), 'chromium-'))
  const folder = join(caches, 'workflow-services', `chromium-${chromiumVersion}`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'chromium'), '')
  vi.stubEnv('XDG_CACHE_HOME', caches)
  const found = chromiumBinary()
  if (found?.program === join(folder, 'chromium')) expect(found.env['FONTCONFIG_FILE']).toBe(join(folder, 'fonts.conf'))
  else expect(spawnSync(found?.program ?? '', ['--version'], { encoding: 'utf8' }).stdout).toMatch(/Chrom/)
  rmSync(caches, { recursive: true })
})
