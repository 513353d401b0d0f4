import { expect, it } from 'vitest'
import { publishedPackages, type WorkspacePackage } from '../workspace-packages.ts'
import { manifestFaults } from './manifests.ts'

const bundled = new Set(['@workflow/sql'])
const files = ['README.md', 'tsconfig.json', 'tsconfig.build.json']

function altered(change: Readonly<Record<string, unknown>>): WorkspacePackage {
  const core = publishedPackages().find(({ folder }) => folder === 'packages/core')
  if (core === undefined) throw new Error('there is no core')
  return { ...core, manifest: { ...core.manifest, ...change } }
}

it('the manifest of core is in order', () => {
  expect(manifestFaults(altered({}), files, bundled)).toEqual([])
})

it.each([
  ['a range', { dependencies: { croner: '^11.0.1' } }, 'croner must be pinned'],
  ['a version of our own', { dependencies: { '@workflow/core': '0.1.0' } }, 'must be "workspace:^"'],
  ['a bundled package to install', { dependencies: { '@workflow/sql': 'workspace:^' } }, 'it belongs in "devDependencies"'],
  ['another name', { name: '@workflow/kernel' }, '"name" must be'],
  ['side effects', { sideEffects: true }, '"sideEffects" must be false'],
  ['a Node that is too old', { engines: { node: '>=22.2' } }, '"engines.node" must be'],
  ['any Node', { engines: {} }, '"engines.node" must be'],
  ['no provenance', { publishConfig: { access: 'public' } }, 'provenance'],
  ['conditions in another order', { exports: { '.': { default: './a.js', types: './a.d.ts' } } }, 'in this order'],
])('%s is a fault', (_, change, says) => {
  expect(manifestFaults(altered(change), files, bundled)).toEqual([expect.stringContaining(says)])
})

it('a package without a README is a fault', () => {
  expect(manifestFaults(altered({}), files.slice(1), bundled)).toEqual(['packages/core/package.json: README.md is missing beside it'])
})
