import { type RunEvent, type RunState } from '@workflow/core/adapter'
import type { Queryable } from './database.ts'
import { textKey } from './text-key.ts'

/** What an event has in common with others: everything but the run, its version and the time. */
export interface Shape {
  readonly id: number
  readonly kind: RunEvent['kind']
  readonly workflowName: string
  readonly previousStatus: string | undefined
  readonly status: string
  readonly states: readonly RunState[]
  readonly topics: readonly string[]
}

type ShapeRow = readonly [
  id: number,
  kind: string,
  workflow: string,
  previousStatus: string | null,
  status: string,
  states: string,
  topics: string,
]

const columns = 'id, kind, workflow, previous_status, status, states, topics'

/**
 * The shapes of events, each stored once. There are few: about one per way through a graph. A shape never changes once
 * it is there, so that keeping them in memory is safe with other processes around.
 */
export class Shapes {
  readonly #connection: Queryable
  /** Those that are known, by what tells them apart. Every event is looked up here. */
  readonly #known = new Map<string, Known[]>()
  readonly #shapes = new Map<number, Shape>()
  #last = 0
  #loading: Promise<void> | undefined

  constructor(connection: Queryable) {
    this.#connection = connection
  }

  /** The id of an event's shape; undefined where `add` has to make it first. */
  idOf(event: RunEvent): number | undefined {
    return this.#known.get(event.status)?.find((known) => isSameShape(known, event))?.id
  }

  /** Makes the shapes of these events, where they are new: at once, and apart from every other transaction, so that nobody waits for them. */
  async add(events: readonly RunEvent[]): Promise<void> {
    const missing = new Map(events.filter((event) => this.idOf(event) === undefined).map((event) => [textOf(event), event]))
    if (missing.size === 0) return
    const entries = [...missing].map(([text, event]) => ({
      key: textKey(text),
      kind: event.kind,
      workflow: event.workflowName,
      previous: event.previousStatus ?? null,
      status: event.status,
      states: JSON.stringify(event.states),
      topics: JSON.stringify(event.topics),
    }))
    const rows = JSON.stringify(entries)
    await this.#connection.query(
      `INSERT INTO {shape} (key, kind, workflow, previous_status, status, states, topics)
       SELECT s.key, s.kind, s.workflow, s.previous, s.status, s.states, s.topics
       FROM json_to_recordset($1) AS s(key uuid, kind text, workflow text, previous text, status text, states text, topics text)
       WHERE NOT EXISTS (SELECT 1 FROM {shape} o WHERE o.key = s.key) ORDER BY s.key ON CONFLICT DO NOTHING`,
      [rows],
    )
    const stored = await this.#connection.query<[string, number]>(
      'SELECT s.key::text, s.id FROM {shape} s WHERE s.key = ANY ($1::uuid[])',
      [entries.map(({ key }) => key)],
    )
    const ids = new Map(stored.map(([key, id]) => [key.replaceAll('-', ''), id]))
    for (const [text, event] of missing) {
      const id = ids.get(textKey(text))
      if (id !== undefined && this.idOf(event) === undefined) this.#remember(event, id)
    }
  }

  /** The shape of an id, as far as `load` has seen it. */
  get(id: number): Shape | undefined {
    return this.#shapes.get(id)
  }

  /** Reads the shapes that others have made since the last time. Answers whether there were any. */
  async load(): Promise<boolean> {
    const before = this.#shapes.size
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined
    })
    await this.#loading
    return this.#shapes.size > before
  }

  /** Something of each shape, as of the last `load`: that of shape n at n - 1, and `unknown` where there is none. */
  map<T>(of: (shape: Shape) => T, unknown: T): T[] {
    const list = Array.from({ length: Math.max(0, ...this.#shapes.keys()) }, () => unknown)
    for (const shape of this.#shapes.values()) list[shape.id - 1] = of(shape)
    return list
  }

  /** The ids of the shapes that `wants` says yes to, as of the last `load`. */
  idsWhere(wants: (shape: Shape) => boolean): number[] {
    return [...this.#shapes.values()].filter(wants).map(({ id }) => id)
  }

  #remember(event: RunEvent, id: number): void {
    const others = this.#known.get(event.status)
    const { kind, workflowName, previousStatus, states, topics } = event
    const known = { kind, workflowName, previousStatus, states, topics, id }
    if (others === undefined) this.#known.set(event.status, [known])
    else others.push(known)
  }

  async #load(): Promise<void> {
    // Ids are given in an order that commits need not keep: a few before the last are looked at again.
    const rows = await this.#connection.query<ShapeRow>(`SELECT ${columns} FROM {shape} WHERE id > $1 ORDER BY id`, [this.#last - 1_000])
    for (const row of rows) if (!this.#shapes.has(row[0])) this.#shapes.set(row[0], shapeOf(row))
    this.#last = Math.max(this.#last, rows.at(-1)?.[0] ?? 0)
  }
}

/** What events of one status are told apart by. */
interface Known extends Pick<RunEvent, 'kind' | 'workflowName' | 'states' | 'topics'> {
  readonly previousStatus: string | undefined
  readonly id: number
}

function isSameShape(one: Known, other: RunEvent): boolean {
  return (
    one.kind === other.kind &&
    one.previousStatus === other.previousStatus &&
    one.workflowName === other.workflowName &&
    isSameList(one.states, other.states) &&
    isSameList(one.topics, other.topics)
  )
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one === other || (one.length === other.length && one.every((value, i) => value === other[i]))
}

function textOf({ kind, workflowName, previousStatus, status, states, topics }: RunEvent): string {
  return JSON.stringify([kind, workflowName, previousStatus, status, states, topics])
}

/** A shape that somebody has broken by hand is nobody's: its events are left out, and the others go on. */
function shapeOf([id, kind, workflowName, previousStatus, status, states, topics]: ShapeRow): Shape {
  const known = {
    id,
    // Only `assertEvent` lets kinds into the table.
    kind: kind as RunEvent['kind'],
    workflowName,
    previousStatus: previousStatus ?? undefined,
    status,
  }
  try {
    return { ...known, states: listOf(states) as readonly RunState[], topics: listOf(topics) }
  } catch {
    return { ...known, workflowName: '', states: [], topics: [] }
  }
}

function listOf(text: string): readonly string[] {
  const list: unknown = JSON.parse(text)
  if (!Array.isArray(list)) throw new TypeError('no list')
  return list as readonly string[]
}
