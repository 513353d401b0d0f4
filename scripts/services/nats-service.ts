import { installNats, natsBinaries } from './nats-binaries.ts'
import { natsAt, type NatsPlace, startNats } from './nats-server.ts'
import { service } from './service.ts'

export const natsService = service<NatsPlace>({
  name: 'nats',
  variable: 'WORKFLOW_TEST_NATS_URL',
  found: () => natsBinaries().map(({ version, origin }) => `${version}: ${origin}`),
  install: async () => void installNats(),
  start: async ({ durable }) => {
    installNats()
    return (await startNats({ durable, outlives: true })).place
  },
  urlOf: (place) => natsAt(place).url,
  isRunning: (place) => natsAt(place).isRunning(),
  remove: (place) => natsAt(place).remove(),
})
