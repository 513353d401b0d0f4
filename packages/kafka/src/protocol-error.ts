/** What brokers answer to who writes, in the words of kafkajs: https://kafka.apache.org/protocol.html#protocol_error_codes. */

interface KnownError {
  readonly type: string
  readonly message: string
  /** Whether the same request may do later. @default false */
  readonly retriable?: boolean
}

/** By code. */
export const knownErrors: ReadonlyMap<number, KnownError> = new Map<number, KnownError>([
  [-1, { type: 'UNKNOWN', message: 'The server experienced an unexpected error when processing the request' }],
  [
    2,
    {
      type: 'CORRUPT_MESSAGE',
      message: 'This message has failed its CRC checksum, exceeds the valid size, or is otherwise corrupt',
      retriable: true,
    },
  ],
  [3, { type: 'UNKNOWN_TOPIC_OR_PARTITION', message: 'This server does not host this topic-partition', retriable: true }],
  [
    5,
    {
      type: 'LEADER_NOT_AVAILABLE',
      message: 'There is no leader for this topic-partition as we are in the middle of a leadership election',
      retriable: true,
    },
  ],
  [6, { type: 'NOT_LEADER_FOR_PARTITION', message: 'This server is not the leader for that topic-partition', retriable: true }],
  [7, { type: 'REQUEST_TIMED_OUT', message: 'The request timed out', retriable: true }],
  [9, { type: 'REPLICA_NOT_AVAILABLE', message: 'The replica is not available for the requested topic-partition', retriable: true }],
  [10, { type: 'MESSAGE_TOO_LARGE', message: 'The request included a message larger than the max message size the server will accept' }],
  [13, { type: 'NETWORK_EXCEPTION', message: 'The server disconnected before a response was received', retriable: true }],
  [17, { type: 'INVALID_TOPIC_EXCEPTION', message: 'The request attempted to perform an operation on an invalid topic' }],
  [
    18,
    {
      type: 'RECORD_LIST_TOO_LARGE',
      message: 'The request included message batch larger than the configured segment size on the server',
    },
  ],
  [
    19,
    { type: 'NOT_ENOUGH_REPLICAS', message: 'Messages are rejected since there are fewer in-sync replicas than required', retriable: true },
  ],
  [
    20,
    {
      type: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
      message: 'Messages are written to the log, but to fewer in-sync replicas than required',
      retriable: true,
    },
  ],
  [29, { type: 'TOPIC_AUTHORIZATION_FAILED', message: 'Not authorized to access topics: [Topic authorization failed]' }],
  [31, { type: 'CLUSTER_AUTHORIZATION_FAILED', message: 'Cluster authorization failed' }],
  [32, { type: 'INVALID_TIMESTAMP', message: 'The timestamp of the message is out of acceptable range' }],
  [43, { type: 'UNSUPPORTED_FOR_MESSAGE_FORMAT', message: 'The message format version on the broker does not support the request' }],
  [44, { type: 'POLICY_VIOLATION', message: 'Request parameters do not satisfy the configured policy' }],
  [45, { type: 'OUT_OF_ORDER_SEQUENCE_NUMBER', message: 'The broker received an out of order sequence number' }],
  [46, { type: 'DUPLICATE_SEQUENCE_NUMBER', message: 'The broker received a duplicate sequence number' }],
  [56, { type: 'KAFKA_STORAGE_ERROR', message: 'Disk error when trying to access log file on the disk', retriable: true }],
  [74, { type: 'FENCED_LEADER_EPOCH', message: 'The leader epoch in the request is older than the epoch on the broker', retriable: true }],
  [87, { type: 'INVALID_RECORD', message: 'This record has failed the validation on broker and hence be rejected' }],
])

/** An error that a broker has answered, with the members by which kafkajs's own are sorted. */
export class ProtocolError extends Error {
  readonly type: string
  readonly retriable: boolean

  constructor(code: number) {
    const {
      type,
      message,
      retriable = false,
    } = knownErrors.get(code) ?? {
      type: 'UNKNOWN_ERROR_CODE',
      message: `Kafka has answered error code ${code}`,
    }
    super(message)
    this.name = 'ProtocolError'
    this.type = type
    this.retriable = retriable
  }
}
