/** Workflow's events on Kafka. */
export type { KafkaConnectorOptions } from './connector.ts'
export {
  KafkaFault,
  type FaultKind,
  type Fetched,
  type FetchRequest,
  type KafkaDriver,
  type KafkaProducer,
  type KafkaRecord,
  type NewRecord,
  type NewTopic,
  type Partition,
} from './driver.ts'
export { kafka, type Kafka, type KafkaStats } from './kafka.ts'
export { kafkajsDriver, type KafkaJsOptions } from './kafkajs-driver.ts'
export type { KafkaOptions } from './settings.ts'
