import { installKafka, kafkaBinary } from './kafka-binaries.ts'
import { kafkaAt, type KafkaPlace, startKafka } from './kafka-server.ts'
import { service } from './service.ts'

export const kafkaService = service<KafkaPlace>({
  name: 'kafka',
  variable: 'WORKFLOW_TEST_KAFKA_URL',
  found: () => {
    const binary = kafkaBinary()
    return binary === undefined ? [] : [`${binary.version}: ${binary.origin}`]
  },
  install: async () => void (await installKafka()),
  // Kafka answers for its replicas, not for its disks: what measurements can ask for is a JVM that is not in a hurry.
  start: async ({ durable }) => {
    await installKafka()
    return (await startKafka({ outlives: true, fast: durable })).place
  },
  urlOf: (place) => kafkaAt(place).url,
  isRunning: (place) => kafkaAt(place).isRunning(),
  remove: (place) => kafkaAt(place).remove(),
})
