/**
 * Names on the server. A name of ours becomes one token of a subject: letters, digits, `-` and `_` stay, every other byte
 * becomes `=` and two digits, and what gets too long ends in a digest. Two names never share a token.
 */
import { createHash } from 'node:crypto'

const lengthMax = 120
const keptLength = 80

/** A name as one token of a subject, and as part of a stream's name. */
export function tokenOf(name: string): string {
  let token = ''
  for (const byte of Buffer.from(name)) {
    const letter = String.fromCharCode(byte)
    token += /[A-Za-z0-9_-]/.test(letter) ? letter : `=${byte.toString(16).padStart(2, '0')}`
  }
  if (token.length <= lengthMax) return token
  // After `=` there are two digits everywhere else.
  return `${token.slice(0, keptLength)}=_${createHash('sha256').update(name).digest('hex').slice(0, 32)}`
}

/** The names of everything that a prefix has on a server. */
export class Names {
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** The stream with layouts, receivers, cursors and marks, the last of each. */
  get stateStream(): string {
    return `${this.#prefix}_state`
  }

  get stateSubjects(): string {
    return `${this.#prefix}.state.>`
  }

  eventStream(workflowName: string): string {
    return `${this.#prefix}_events_${tokenOf(workflowName)}`
  }

  eventSubjects(workflowName: string): readonly string[] {
    return [`${this.#prefix}.event.${tokenOf(workflowName)}.>`, this.tick(workflowName)]
  }

  /** Events of one topic and slot; of all slots where none is given. */
  event(workflowName: string, topic: string, slot: number | '*'): string {
    return `${this.#prefix}.event.${tokenOf(workflowName)}.${tokenOf(topic)}.${slot}`
  }

  /** Where marks of the time are sent, which tell readers how far they have read. */
  tick(workflowName: string): string {
    return `${this.#prefix}.tick.${tokenOf(workflowName)}`
  }

  /** Says that a subject was used: known even when its events are gone. */
  mark(workflowName: string, topic: string, slot: number): string {
    return `${this.#prefix}.state.used.${tokenOf(workflowName)}.${tokenOf(topic)}.${slot}`
  }

  layout(workflowName: string): string {
    return `${this.#prefix}.state.layout.${tokenOf(workflowName)}`
  }

  receiver(name: string): string {
    return `${this.#prefix}.state.receiver.${tokenOf(name)}`
  }

  get receivers(): string {
    return `${this.#prefix}.state.receiver.*`
  }

  cursor(receiver: string, slot: number | '*'): string {
    return `${this.#prefix}.state.cursor.${tokenOf(receiver)}.${slot}`
  }

  connection(name: string): string {
    return `${this.#prefix}.state.connector.${tokenOf(name)}`
  }

  /** Where new holders of slots are announced, beside the streams. */
  notice(kind: 'receiver' | 'connector', name: string): string {
    return `${this.#prefix}.notice.${kind}.${tokenOf(name)}`
  }
}
