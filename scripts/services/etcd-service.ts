import { etcdBinary, installEtcd } from './etcd-binaries.ts'
import { etcdAt, type EtcdPlace, startEtcd } from './etcd-server.ts'
import { service } from './service.ts'

export const etcdService = service<EtcdPlace>({
  name: 'etcd',
  variable: 'WORKFLOW_TEST_ETCD_URL',
  found: () => {
    const binary = etcdBinary()
    return binary === undefined ? [] : [`${binary.version}: ${binary.origin}`]
  },
  install: async () => {
    await installEtcd()
  },
  start: async ({ durable }) => (await startEtcd(await installEtcd(), { durable, outlives: true, electionMs: 1_000 })).place,
  urlOf: ({ url }) => url,
  isRunning: (place) => etcdAt(place).isRunning(),
  remove: (place) => etcdAt(place).remove(),
})
