/** Holds the YAML on the pages to what it says: it parses, and its parts fit each other and the program beside it. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { fencesOf } from '../scripts/docs/fence.ts'
import { etcdVersion } from '../scripts/services/etcd-binaries.ts'
import { kafkaVersion } from '../scripts/services/kafka-binaries.ts'
import { natsVersion } from '../scripts/services/nats-binaries.ts'

const root = join(import.meta.dirname, '..')
const pages = globSync(['docs/**/*.md', 'packages/*/*.md'], { cwd: root, exclude: (path) => path.includes('node_modules') })

/** Every YAML document of a page, as plain data. */
function documentsOf(page: string): readonly unknown[] {
  return fencesOf(readFileSync(join(root, page), 'utf8'))
    .filter(({ language }) => language === 'yaml')
    .flatMap(({ code, line }) =>
      parseAllDocuments(code).map((document) => {
        const [problem] = [...document.errors, ...document.warnings]
        if (problem !== undefined) throw new Error(`${page}, fence at line ${line}: ${problem.message}`)
        return document.toJS() as unknown
      }),
    )
}

interface Container {
  readonly image: string
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly readinessProbe?: { readonly httpGet: { readonly path: string; readonly port: string } }
  readonly livenessProbe?: { readonly httpGet: { readonly path: string; readonly port: string } }
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly selector?: { readonly matchLabels: object }
    readonly template?: {
      readonly metadata?: { readonly labels: object }
      readonly spec: { readonly containers: readonly Container[]; readonly terminationGracePeriodSeconds?: number }
    }
  }
}

interface Compose {
  readonly services: Readonly<
    Record<string, { readonly image: string; readonly ports: readonly string[]; readonly volumes: readonly string[] }>
  >
  readonly volumes: object
}

test.each(pages)('the YAML of %s parses', (page) => {
  expect(() => documentsOf(page)).not.toThrow()
})

describe('Kubernetes', () => {
  const page = readFileSync(join(root, 'docs/deployment.md'), 'utf8')
  // The test reads of them what it says here; what else is missing fails where it is read.
  const manifests = documentsOf('docs/deployment.md') as readonly Manifest[]
  const one = (kind: string): Manifest => {
    const [manifest] = manifests.filter((each) => each.kind === kind)
    if (manifest === undefined) throw new Error(`there is no ${kind}`)
    return manifest
  }
  const pod = one('Deployment').spec.template?.spec
  const container = pod?.containers[0]

  test('selects the pods that it makes, and budgets the same', () => {
    const labels = one('Deployment').spec.template?.metadata?.labels
    expect(one('Deployment').spec.selector?.matchLabels).toEqual(labels)
    expect(one('PodDisruptionBudget').spec.selector?.matchLabels).toEqual(labels)
  })

  test('probes what the program answers, at the port where it listens', () => {
    const [port] = container?.ports ?? []
    expect(page).toContain(`.listen(${port?.containerPort})`)
    for (const probe of [container?.readinessProbe, container?.livenessProbe]) expect(probe?.httpGet.port).toBe(port?.name)
    expect(container?.readinessProbe?.httpGet.path).toBe('/ready')
    expect(page).toContain("request.url === '/ready' ? app.ready() : app.healthy()")
  })

  test('waits longer for a pod than the program for its handlers', () => {
    const shutdownSeconds = Number(/shutdownTimeout: '(\d+)s'/.exec(page)?.[1])
    expect(shutdownSeconds).toBeGreaterThan(0)
    expect(pod?.terminationGracePeriodSeconds).toBeGreaterThan(shutdownSeconds + 1)
  })

  test('asks about the graph of the image that it rolls out', () => {
    expect(one('Job').spec.template?.spec.containers[0]?.image).toBe(container?.image)
  })
})

test.each([
  ['kafka', 'kafka', `apache/kafka:${kafkaVersion}`],
  ['nats', 'nats', `nats:${natsVersion}-alpine`],
  ['rink-like-scheduler', 'etcd', `gcr.io/etcd-development/etcd:v${etcdVersion}`],
])(
  'the compose file of %s starts the version that the tests run on, on this machine only, with volumes that it has',
  (folder, name, image) => {
    const [compose] = documentsOf(`packages/${folder}/README.md`) as readonly Compose[]
    const services = Object.entries(compose?.services ?? {})
    expect(services.find(([each]) => each === name)?.[1].image).toBe(image)
    for (const [, service] of services) {
      expect(service.image).toMatch(/:v?\d+\.\d+/)
      for (const port of service.ports) expect(port).toMatch(/^127\.0\.0\.1:/)
      for (const volume of service.volumes) expect(Object.keys(compose?.volumes ?? {})).toContain(volume.split(':')[0])
    }
  },
)
