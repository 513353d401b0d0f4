/** The files of a new adapter package: it compiles, and its conformance test fails until the adapter is written. */

/** What is wrong with a name for an adapter, or undefined. */
export function adapterNameFault(name: string): string | undefined {
  if (/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) return undefined
  return `'${name}' cannot be the name of a package: use lower-case words with dashes, like 'postgres' or 'my-queue'`
}

/** Text by path, relative to the root. The package's files are below `packages/<name>/`. */
export function adapterFiles(name: string): ReadonlyMap<string, string> {
  const folder = `packages/${name}`
  return new Map([
    [`${folder}/package.json`, manifest(name)],
    [`${folder}/tsconfig.json`, json({ extends: '../../tsconfig.base.json', compilerOptions: { noEmit: true }, include: ['src', 'test'] })],
    [`${folder}/tsconfig.build.json`, buildConfig()],
    [`${folder}/README.md`, readme(name)],
    [`${folder}/src/index.ts`, source(name)],
    [`${folder}/test/conformance.test.ts`, conformanceTest(name)],
    [`.changeset/new-${name}.md`, `---\n'@workflow/${name}': minor\n---\n\nFirst version: Workflow on ${name}.\n`],
  ])
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

function manifest(name: string): string {
  return json({
    name: `@workflow/${name}`,
    version: '0.0.0',
    description: `Workflow on ${name}`,
    license: 'MIT',
    type: 'module',
    sideEffects: false,
    engines: { node: '>=22.14' },
    files: ['dist', 'src', 'CHANGELOG.md', '!src/**/*.test.ts', '!src/**/*.test-d.ts'],
    exports: {
      '.': { '@workflow/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
      './package.json': './package.json',
    },
    publishConfig: { access: 'public', provenance: true },
    scripts: { build: 'node ../../scripts/build-package.ts', typecheck: 'tsc -p tsconfig.json --noEmit' },
    dependencies: { '@workflow/core': 'workspace:^' },
    devDependencies: { '@workflow/testing': 'workspace:^' },
  })
}

function buildConfig(): string {
  return json({
    extends: '../../tsconfig.base.json',
    compilerOptions: { customConditions: [], rootDir: 'src', outDir: 'dist' },
    include: ['src'],
    exclude: ['src/**/*.test.ts', 'src/**/*.test-d.ts'],
  })
}

function readme(name: string): string {
  return `# @workflow/${name}

Runs Workflow on ${name}.

\`\`\`sh
npm install @workflow/core @workflow/${name}
\`\`\`

Say here which ports it has, which versions of ${name} it is tested against, what it creates there, and what happens when
${name} cannot be reached.
`
}

function source(name: string): string {
  const pascal = name.replace(/(^|-)([a-z0-9])/g, (_, _dash: string, letter: string) => letter.toUpperCase())
  const camel = `${pascal.slice(0, 1).toLowerCase()}${pascal.slice(1)}`
  return `/** Workflow on ${name}. The contract of each port is in the docstrings of its type. */
import type { EventStreamer, RecordStore, RoleScheduler, TimeoutStore } from '@workflow/core/adapter'

/** How to reach ${name}. */
export interface ${pascal}Options {
  /** Put in front of every name that the adapter creates. @default 'workflow_' */
  readonly prefix?: string
}

/** The ports that ${name} offers. Delete those that it will never have; make those that are written mandatory. */
export interface ${pascal} extends AsyncDisposable {
  readonly recordStore?: RecordStore
  readonly timeoutStore?: TimeoutStore
  readonly eventStreamer?: EventStreamer
  readonly roleScheduler?: RoleScheduler
}

/** Opens ${name}. Disposing it closes what it opened, and nothing that was handed in. */
export function ${camel}(_options: ${pascal}Options = {}): ${pascal} {
  return { [Symbol.asyncDispose]: () => Promise.resolve() }
}
`
}

function conformanceTest(name: string): string {
  return `import {
  type EventStreamerHarness,
  eventStreamerCases,
  type RecordStoreHarness,
  type RoleSchedulerHarness,
  recordStoreCases,
  roleSchedulerCases,
  type TimeoutStoreHarness,
  timeoutStoreCases,
} from '@workflow/testing/conformance'
import { describe, it } from 'vitest'

// Say truly what ${name} can do: a capability brings its cases with it. Delete the harness of a port that it will never have.
const instances = { multiInstance: true, persistent: true }

const recordStore: RecordStoreHarness = {
  capabilities: {
    ...instances,
    transactions: true,
    atomicRuns: true,
    rowLocks: false,
    concurrentWriters: true,
    connectionLoss: false,
    callerTransactions: false,
  },
  start: () => unwritten('record store'),
}

const timeoutStore: TimeoutStoreHarness = { capabilities: instances, start: () => unwritten('timeout store') }

const eventStreamer: EventStreamerHarness = {
  capabilities: { ...instances, feeds: ['sender'], kill: false, eventLoss: false },
  start: () => unwritten('event streamer'),
}

const roleScheduler: RoleSchedulerHarness = {
  capabilities: { ...instances, kill: false, steal: false, clockJumps: false },
  start: () => unwritten('role scheduler'),
}

function unwritten(port: string): Promise<never> {
  return Promise.reject(new Error(\`the \${port} of ${name} is not written: open it here on a new and empty database or broker\`))
}

describe('record store', () => {
  for (const { name, run } of recordStoreCases(recordStore)) it(name, run)
})

describe('timeout store', () => {
  for (const { name, run } of timeoutStoreCases(timeoutStore)) it(name, run)
})

describe('event streamer', () => {
  for (const { name, run } of eventStreamerCases(eventStreamer)) it(name, run)
})

describe('role scheduler', () => {
  for (const { name, run } of roleSchedulerCases(roleScheduler)) it(name, run)
})
`
}
