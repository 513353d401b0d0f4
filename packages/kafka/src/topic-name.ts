/** Names of Kafka topics, which take letters, digits, `.`, `_` and `-`, 249 at most, and count `.` and `_` as one when they compare. */
import { createHash } from 'node:crypto'

const lengthMax = 249
const hashLength = 32

/**
 * The Kafka topic of one of our topics. Different topics have different names, whatever is in them: letters, digits and `-`
 * stay, `/` becomes `__`, every other byte `_` and two hexadecimal digits. A name that would be too long ends in `_h` and a hash.
 */
export function kafkaTopicOf(prefix: string, topic: string): string {
  const name = `${prefix}__${escape(topic)}`
  if (name.length <= lengthMax) return name
  const hash = createHash('sha256').update(topic).digest('hex').slice(0, hashLength)
  const head = name.slice(0, lengthMax - hashLength - 2)
  return `${head}_h${hash}`
}

/** The topic in which a prefix keeps who reads what, and how far they are. No topic of events has this name. */
export function cursorTopicOf(prefix: string): string {
  return `${prefix}.cursors`
}

function escape(topic: string): string {
  return topic.replace(/[^a-zA-Z0-9-]/gu, (mark) => {
    if (mark === '/') return '__'
    return [...new TextEncoder().encode(mark)].map((byte) => `_${byte.toString(16).padStart(2, '0')}`).join('')
  })
}
