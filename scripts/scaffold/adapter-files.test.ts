import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { manifestFaults } from '../architecture/manifests.ts'
import { type Manifest, root } from '../workspace-packages.ts'
import { adapterFiles, adapterNameFault } from './adapter-files.ts'

const copy = mkdtempSync(join(tmpdir(), 'scaffold-'))
const pack = join(copy, 'packages', 'my-queue')

beforeAll(() => {
  for (const [path, text] of adapterFiles('my-queue')) {
    mkdirSync(dirname(join(copy, path)), { recursive: true })
    writeFileSync(join(copy, path), text)
  }
  // What an install would link.
  symlinkSync(join(root, 'tsconfig.base.json'), join(copy, 'tsconfig.base.json'))
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  mkdirSync(join(pack, 'node_modules', '@workflow'), { recursive: true })
  for (const own of ['core', 'testing']) symlinkSync(join(root, 'packages', own), join(pack, 'node_modules', '@workflow', own))
})
afterAll(() => rmSync(copy, { recursive: true }))

describe('a new adapter', () => {
  it('has a manifest like its siblings', () => {
    const manifest = JSON.parse(readFileSync(join(pack, 'package.json'), 'utf8')) as Manifest
    expect(manifestFaults({ folder: 'packages/my-queue', manifest, published: true }, readdirSync(pack), new Set())).toEqual([])
  })

  it('compiles', () => {
    const { stdout } = spawnSync('tsc', ['-p', pack, '--pretty', 'false'], { cwd: pack, encoding: 'utf8' })
    expect(stdout.split('\n').filter((line) => /^(src|test)\//.test(line))).toEqual([])
  })

  it('is formatted as the house has it', () => {
    const files = [...adapterFiles('my-queue').keys()].filter((path) => path.endsWith('.ts'))
    const biome = spawnSync('biome', ['format', `--config-path=${root}`, '--vcs-enabled=false', ...files], { cwd: copy, encoding: 'utf8' })
    expect({ status: biome.status, output: biome.stdout }).toEqual({ status: 0, output: '' })
  })

  it('fails its conformance test, every case of it, and says what to write', () => {
    const config = `export default { resolve: { conditions: ['@workflow/source'] }, ssr: { resolve: { conditions: ['@workflow/source'] } } }`
    writeFileSync(join(pack, 'vitest.config.mjs'), config)
    const report = join(copy, 'report.json')
    spawnSync('vitest', ['run', '--root', pack, '--reporter=json', `--outputFile=${report}`], { cwd: pack, encoding: 'utf8' })
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
    expect({ numPassedTests, failed: numFailedTests > 50 }).toEqual({ numPassedTests: 0, failed: true })
    expect(testResults[0]?.assertionResults[0]?.failureMessages[0]).toContain('the record store of my-queue is not written')
  }, 60_000)
})

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: readonly { readonly assertionResults: readonly { readonly failureMessages: readonly string[] }[] }[]
}

it('a name must be one that a package can have', () => {
  expect(['postgres', 'my-queue2'].map(adapterNameFault)).toEqual([undefined, undefined])
  for (const name of ['My', 'a_b', '-a', 'a b', '../x', '']) expect(adapterNameFault(name)).toContain('cannot be the name')
})
